// Pages of HTML that need nothing else: styles and pictures are inside.
#pragma once

#include <string>
#include <vector>

#include "strata/plot.h"

namespace strata::html {

std::string escaped(const std::string& text);
// As SVG in the page.
std::string figure(const plot::Figure& figure);
std::string preformatted(const std::string& text);

struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};
std::string table(const Table& table);

class Page {
 public:
  explicit Page(const std::string& title);
  // HTML as it is.
  void add(const std::string& html) { body_ += html + "\n"; }
  void section(const std::string& title, const std::string& html);
  const std::string& content() const { return body_; }
  std::string text() const;
  void save(const std::string& path) const;

 private:
  std::string title_, body_;
};

}  // namespace strata::html
