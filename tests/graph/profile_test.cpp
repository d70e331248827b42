// Profiles of compiled functions and frozen models.
#include "strata/profile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "strata/strata.h"
#include "tests/support/op_samples.h"

namespace strata {
namespace {

using namespace layers;

Sequential small_network() {
  return Sequential({Input({8, 8, 3}), Conv2D(16, 3, {.activation = "relu", .name = "first"}), Flatten(),
                     Dense(4, {.name = "last"})});
}

TEST(Profile, SaysWhereTheTimeGoes) {
  const Sequential model = small_network();
  auto step = function([&](const Tensor& x) { return Tensor(model(x)); }, {.name = "call"});
  EXPECT_THROW(step.profile(), ValueError);
  const Tensor x = test::spread({4, 8, 8, 3});
  for (int i = 0; i < 3; ++i) step(x);
  const Profile p = step.profile();
  EXPECT_EQ(p.name, "call");
  EXPECT_EQ(p.shapes, "(4, 8, 8, 3)");
  EXPECT_EQ(p.calls, 2);
  double share = 0;
  bool found = false;
  for (const ProfileRow& row : p.rows) {
    share += row.share;
    if (row.op != "fused_conv") continue;
    found = true;
    EXPECT_NE(row.layer.find("first"), std::string::npos);
    EXPECT_FALSE(row.kernel.empty());
    EXPECT_NEAR(row.gflops * row.milliseconds * 1e6, 2.0 * 4 * 6 * 6 * 16 * 27, 1);
    EXPECT_GT(row.peak_share, 0);
  }
  EXPECT_TRUE(found) << p;
  EXPECT_NEAR(share, 1, 1e-9);
  std::ostringstream text;
  text << p;
  EXPECT_NE(text.str().find("call for (4, 8, 8, 3): "), std::string::npos);
  EXPECT_NE(text.str().find("GFLOP/s"), std::string::npos);
}

TEST(Profile, AddsUpLayers) {
  Profile p;
  auto row = [](const char* op, const char* layer, double milliseconds, double gflops) {
    ProfileRow r;
    r.op = op, r.layer = layer, r.milliseconds = milliseconds, r.gflops = gflops;
    return r;
  };
  p.rows = {row("a", "x", 1, 10), row("b", "y", 5, 0), row("c", "x", 3, 2)};
  p.rows[0].reorders = 1;
  p.rows[2].kernel = "k";
  const auto layers = p.by_layer();
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].layer, "y");
  EXPECT_EQ(layers[1].milliseconds, 4);
  EXPECT_EQ(layers[1].gflops, 4);
  EXPECT_EQ(layers[1].steps, 2);
  EXPECT_EQ(layers[1].reorders, 1);
  EXPECT_EQ(layers[1].kernel, "k");
  EXPECT_NE(p.layers_to_string().find("steps"), std::string::npos);
}

TEST(Profile, OfAFrozenModelAndItsTrace) {
  const Sequential model = small_network();
  const FrozenModel f = model.freeze({1, 8, 8, 3});
  EXPECT_THROW(f.profile(), ValueError);
  f(zeros({1, 8, 8, 3}));
  const Profile p = f.profile();
  EXPECT_EQ(p.calls, 1);
  const std::string path = (std::filesystem::temp_directory_path() / "strata_profile_test.json").string();
  p.save_trace(path);
  std::ifstream file(path);
  const auto trace = nlohmann::json::parse(file);
  std::filesystem::remove(path);
  ASSERT_EQ(trace["traceEvents"].size(), p.rows.size() + 1);
  const auto& event = trace["traceEvents"][1];
  EXPECT_EQ(event["ph"], "X");
  EXPECT_EQ(event["cat"], p.rows[0].op);
  EXPECT_NEAR(event["dur"].get<double>(), p.rows[0].milliseconds * 1e3, 1e-6);
  EXPECT_THROW(p.save_trace("/no/such/folder/trace.json"), FileError);
}

}  // namespace
}  // namespace strata
