#include "report/html.h"

#include "core/atomic_file.h"

namespace strata::html {

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

namespace {

// Names inside of one SVG must not meet those of another on the same page.
std::string with_own_names(std::string svg) {
  static int number = 0;
  const std::string prefix = "f" + std::to_string(number++) + "-";
  for (const std::string mark : {"id=\"", "href=\"#", "url(#"})
    for (std::size_t at = svg.find(mark); at != std::string::npos;
         at = svg.find(mark, at + mark.size() + prefix.size()))
      svg.insert(at + mark.size(), prefix);
  return svg;
}

}  // namespace

std::string figure(const plot::Figure& figure) {
  const std::string svg = figure.to_bytes("svg");
  // Without the XML declaration, which may stand at the head of a file alone.
  return "<figure>" + with_own_names(svg.substr(svg.find("<svg"))) + "</figure>";
}

std::string preformatted(const std::string& text) { return "<pre>" + escaped(text) + "</pre>"; }

std::string table(const Table& table) {
  std::string out = "<table><thead><tr>";
  for (const std::string& h : table.head) out += "<th>" + escaped(h) + "</th>";
  out += "</tr></thead><tbody>";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (const std::string& cell : row) out += "<td>" + escaped(cell) + "</td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table>";
}

Page::Page(const std::string& title) : title_(title) {}

void Page::section(const std::string& title, const std::string& html) {
  body_ += "<section><h2>" + escaped(title) + "</h2>\n" + html + "</section>\n";
}

std::string Page::text() const {
  static const char* style =
      "body{font-family:'DejaVu Sans',system-ui,sans-serif;margin:2rem auto;max-width:1150px;padding:0 1rem;color:#222}"
      "h1{font-size:1.5rem}h2{font-size:1.15rem;border-bottom:1px solid #ddd;padding-bottom:.2rem;margin-top:2rem}"
      "table{border-collapse:collapse;font-size:.85rem}td,th{padding:.25rem .6rem;border-bottom:1px solid #e5e5e5;"
      "text-align:right}td:first-child,th:first-child{text-align:left}pre{background:#f7f7f7;padding:.8rem;"
      "overflow-x:auto;font-size:.8rem}figure{margin:0}figure svg{max-width:100%;height:auto}"
      ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:1rem}"
      ".better{color:#00694f}.worse{color:#b34700}";
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + escaped(title_) +
         "</title><meta name=\"viewport\" content=\"width=device-width\"><style>" + style +
         "</style></head><body>\n<h1>" + escaped(title_) + "</h1>\n" + body_ + "</body></html>\n";
}

void Page::save(const std::string& path) const {
  const std::string bytes = text();
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace strata::html
