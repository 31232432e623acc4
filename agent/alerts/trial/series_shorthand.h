// A stream of one series in one text: "requests 100x36 _x5 0x10".
//
//     text   = series , " " , { item , " " } ;
//     series = name , [ "|" , type ] , [ "|#" , tags ] ;         (no type: a counter)
//     item   = value , [ "x" , count ]                            the same value, count times
//            | value , ( "+" | "-" ) , step , "x" , count         count values, a step apart
//            | "_" , [ "x" , count ] ;                            nothing comes
//
// One item is sent at each step of the input. Unlike in promtool, "100x36" is 36 values.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace pitot::agent::alerts {

// A line for each step, "" where nothing comes. The error is "must …".
std::expected<std::vector<std::string>, std::string> read_series(std::string_view text);

}  // namespace pitot::agent::alerts
