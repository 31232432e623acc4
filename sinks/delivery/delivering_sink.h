// The Sink that most sinks are: an Encoder and a Transport with a Deliverer between them.
//
// A destination's make() builds its two halves and its settings and hands them over here.
#pragma once

#include <memory>
#include <string_view>

#include "sinks/context.h"
#include "sinks/delivery/deliverer.h"
#include "sinks/sink.h"

namespace pitot::sinks {

// `type` as in the registry; its text lives as long as the program. The transport is destroyed
// before the encoder, so it may refer to something the encoder owns.
std::unique_ptr<Sink> make_delivering_sink(std::string_view type, const DeliverySettings& settings,
                                           std::unique_ptr<Encoder> encoder,
                                           std::unique_ptr<Transport> transport,
                                           const Context& context);

}  // namespace pitot::sinks
