// From the text of a rule to a tree (expression.h), or to what is wrong and where.
//
//     rule      = or ;
//     or        = and , { ("or" | "||") , and } ;
//     and       = not , { ("and" | "&&") , not } ;
//     not       = [ "not" | "!" ] , cmp ;
//     cmp       = sum , [ compare , sum | "between" , sum , "and" , sum ] ;
//     compare   = ">" | ">=" | "<" | "<=" | "==" | "!=" ;
//     sum       = prod , { ("+" | "-") , prod } ;
//     prod      = unary , { ("*" | "/") , unary } ;
//     unary     = [ "-" ] , primary ;
//     primary   = number , [ unit ] | call | selector | "(" , or , ")" ;
//     call      = name , "(" , [ arg , { "," , arg } ] , ")" , [ grouping ] ;
//     arg       = or | name , "=" , number ;
//     grouping  = ("by" | "without") , "(" , ( "*" | tag , { "," , tag } ) , ")" ;
//     selector  = metric , [ "{" , match , { "," , match } , "}" ] ,
//                 [ "[" , duration , "]" ] , [ "offset" , duration ] ;
//     metric    = ident | '"' , glob , '"' ;
//     match     = tag , ( "=" | "!=" | "=~" | "!~" ) , string ;
//     tag       = ident | string | "$1" … "$9" ;       (the last in a grouping only)
//     duration  = digits , ("s" | "m" | "h" | "d") , … | digits , "f" ;
//
// Texts may stand between single quotes as well, for rules in TOML's basic strings.
// Functions have the number of arguments they need and percentiles their rank; whether
// kinds, units, groups and windows fit together is compilation's question (program.h).
//
// Total: any bytes give a tree or a fault, in time proportional to their number.
#pragma once

#include <expected>
#include <string>

#include "agent/alerts/expression.h"
#include "agent/alerts/source_text.h"

namespace pitot::agent::alerts {

struct ExpressionFault {
    Position position;
    std::string what;  // "must …", fit to be shown
};

std::expected<Expression, ExpressionFault> parse_expression(const SourceText& text);

// A comparison without its left side, "> 80%" or "between 1 and 5", which is `value`: the
// levels of a rule with several. The result holds a copy of `value`.
std::expected<Expression, ExpressionFault> parse_threshold(const SourceText& text,
                                                           const Expression& value);

}  // namespace pitot::agent::alerts
