// capability: 4.4
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/half.h"
#include "core/tensor_data.h"
#include "strata/tensor.h"

namespace strata {
namespace {

Tensor from_bytes(const Shape& shape, DType dtype, const std::string& hex) {
  const Tensor out = detail::allocate(shape, dtype);
  EXPECT_EQ(out.bytes() * 2, hex.size());
  auto* bytes = detail::mutable_elements<unsigned char>(out);
  for (std::size_t i = 0; i < out.bytes(); ++i)
    bytes[i] = static_cast<unsigned char>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return out;
}

TEST(Print, IsNumpysForEveryGoldenArray) {
  const char* folder = std::getenv("STRATA_GOLDEN_DIR");
  ASSERT_NE(folder, nullptr) << "set STRATA_GOLDEN_DIR to tests/golden";
  std::ifstream file(std::string(folder) + "/core/print.json");
  ASSERT_TRUE(file) << folder << "/core/print.json is missing; tools/golden/print.py makes it";
  const auto golden = nlohmann::json::parse(file);
  ASSERT_GT(golden.at("cases").size(), 300u);
  for (const auto& row : golden.at("cases")) {
    const Shape shape(row.at("shape").get<std::vector<std::int64_t>>());
    const DType dtype = dtype_from_string(row.at("dtype").get<std::string>());
    const Tensor t = from_bytes(shape, dtype, row.at("bytes"));
    const std::string header = "Tensor(shape=" + to_string(shape) + ", dtype=" + to_string(dtype) + ")\n";
    EXPECT_EQ(to_string(t), header + row.at("text").get<std::string>()) << row.at("name");
  }
}

TEST(Print, TheDocumentedExample) {
  const Tensor t = {{-5.2607636f, 1.4286567f}, {-10.521527f, 2.8573134f}, {-15.782291f, 4.28597f}};
  std::ostringstream out;
  out << t;
  EXPECT_EQ(out.str(),
            "Tensor(shape=(3, 2), dtype=float32)\n"
            "[[ -5.2607636   1.4286567]\n"
            " [-10.521527    2.8573134]\n"
            " [-15.782291    4.28597  ]]");
}

TEST(Print, Bfloat16PrintsAsItsFloat32Value) {
  const Tensor t = detail::allocate({2}, bfloat16);
  detail::mutable_elements<BFloat16>(t)[0] = BFloat16(0.1f);
  detail::mutable_elements<BFloat16>(t)[1] = BFloat16(-3.f);
  EXPECT_EQ(to_string(t), "Tensor(shape=(2,), dtype=bfloat16)\n[ 0.10009766 -3.        ]");
}

TEST(Print, SymbolicAndUndefinedTensorsHaveNoElements) {
  auto data = std::make_shared<detail::TensorData>();
  data->shape = {None, 10};
  EXPECT_EQ(to_string(Tensor(std::move(data))), "Tensor(shape=(None, 10), dtype=float32, symbolic)");
  EXPECT_EQ(to_string(Tensor()), "Tensor(undefined)");
}

}  // namespace
}  // namespace strata
