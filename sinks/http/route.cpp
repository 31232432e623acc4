#include "sinks/http/route.h"

namespace pitot::sinks::http {

ServerAnswer text_answer(unsigned status, std::string text) {
    struct Owned {
        std::string text;
        Pieces pieces;
    };
    auto owned = std::make_shared<Owned>();
    owned->text = std::move(text);
    owned->pieces = {owned->text};
    const Pieces* const pieces = &owned->pieces;
    ServerAnswer answer;
    answer.status = status;
    answer.body = std::shared_ptr<const Pieces>(std::move(owned), pieces);
    return answer;
}

}  // namespace pitot::sinks::http
