#include "strata/config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/fields.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using test::message_of;

TEST(Config, HoldsEveryKindOfValue) {
  const Config c = {{"units", 10},
                    {"rate", 0.5},
                    {"use_bias", true},
                    {"activation", "relu"},
                    {"shape", Shape{None, 3}},
                    {"kernel", std::vector<int>{3, 5}},
                    {"names", std::vector<std::string>{"a", "b"}},
                    {"inner", Config{{"depth", std::int64_t{1} << 40}}},
                    {"nothing", {}}};
  EXPECT_EQ(c.get<int>("units"), 10);
  EXPECT_EQ(c.get<double>("units"), 10.);
  EXPECT_EQ(c.get<float>("rate"), 0.5f);
  EXPECT_TRUE(c.get<bool>("use_bias"));
  EXPECT_EQ(c.get<std::string>("activation"), "relu");
  EXPECT_EQ(c.get<Shape>("shape"), (Shape{None, 3}));
  EXPECT_EQ(c.get<std::vector<int>>("kernel"), (std::vector<int>{3, 5}));
  EXPECT_EQ(c.get<std::vector<double>>("kernel"), (std::vector<double>{3, 5}));
  EXPECT_EQ(c.get<std::vector<std::string>>("names"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(c.get<Config>("inner").get<std::int64_t>("depth"), std::int64_t{1} << 40);
  EXPECT_EQ(c.get("nothing", 7), 7);
  EXPECT_EQ(c.get("absent", std::string("x")), "x");
  EXPECT_TRUE(c.contains("nothing") && !c.contains("absent"));
  EXPECT_EQ(c.to_json(),
            R"({"units": 10, "rate": 0.5, "use_bias": true, "activation": "relu", "shape": [null, 3], )"
            R"("kernel": [3, 5], "names": ["a", "b"], "inner": {"depth": 1099511627776}, "nothing": null})");
}

TEST(Config, WholeRealsAreIntegersToo) {
  const Config c = {{"steps", 1e4}, {"half", 0.5}};
  EXPECT_EQ(c.get<std::int64_t>("steps"), 10000);
  EXPECT_EQ(message_of<ValueError>([&] { c.get<int>("half"); }), "config value 'half': expected an integer, got 0.5.");
}

TEST(Config, ErrorsNameTheKey) {
  const Config c = {{"units", 10}, {"activation", "relu"}, {"wide", std::int64_t{1} << 40}};
  EXPECT_EQ(message_of<ValueError>([&] { c.get<int>("unit"); }),
            "config has no value 'unit'; it has 'units', 'activation', 'wide'.");
  EXPECT_EQ(message_of<ValueError>([&] { c.get<int>("activation"); }),
            "config value 'activation': expected an integer, got \"relu\".");
  EXPECT_EQ(message_of<ValueError>([&] { c.get<bool>("units"); }),
            "config value 'units': expected true or false, got 10.");
  EXPECT_EQ(message_of<ValueError>([&] { c.get<int>("wide"); }),
            "config value 'wide': 1099511627776 does not fit into an int.");
  EXPECT_EQ(message_of<ValueError>([&] { c.get<Shape>("units"); }), "config value 'units': expected a list, got 10.");
  EXPECT_EQ(message_of<ValueError>([&] { c.get<Config>("units"); }), "config value 'units': expected a map, got 10.");
}

TEST(Config, JsonEscapesAndKeepsSpecialNumbers) {
  const Config c = {{"text", "a\"b\n\xff"},
                    {"inf", std::numeric_limits<double>::infinity()},
                    {"nan", std::nan("")},
                    {"one", 1.0},
                    {"tiny", 1e-7}};
  EXPECT_EQ(c.to_json(),
            "{\"text\": \"a\\\"b\\n\xEF\xBF\xBD\", \"inf\": Infinity, \"nan\": NaN, \"one\": 1.0, "
            "\"tiny\": 1e-07}");
}

TEST(Config, EqualityIgnoresOrderAndTellsKindsApart) {
  EXPECT_EQ((Config{{"a", 1}, {"b", 2}}), (Config{{"b", 2}, {"a", 1}}));
  EXPECT_FALSE((Config{{"a", 1}}) == (Config{{"a", 1.0}}));
  EXPECT_FALSE((Config{{"a", 1}}) == (Config{{"a", true}}));
  EXPECT_FALSE((Config{{"a", 0.0}}) == (Config{{"a", -0.0}}));
  EXPECT_EQ((Config{{"a", std::nan("")}}), (Config{{"a", std::nan("")}}));
  EXPECT_FALSE((Config{{"a", 1}}) == (Config{{"a", 1}, {"b", 1}}));
}

TEST(Config, ObjectsAreEqualByClassAndConfiguration) {
  const auto handle = std::make_shared<int>(3);
  const auto a = Config::Value::object("Dense", {{"units", 3}}, handle, "layer");
  const auto b = Config::Value::object("Dense", {{"units", 3}}, nullptr, "layer");
  EXPECT_EQ(a, b);
  EXPECT_FALSE(a == Config::Value::object("Dense", {{"units", 4}}, handle, "layer"));
  EXPECT_FALSE(a == Config::Value::object("Dense", {{"units", 3}}, handle, "metric"));
  EXPECT_EQ(a.role(), "layer");
  EXPECT_EQ(a.handle(), handle);
  EXPECT_EQ(a.as_map().get<int>("units"), 3);
  EXPECT_EQ((Config{{"inner", a}}).to_json(), R"({"inner": {"class_name": "Dense", "config": {"units": 3}}})");
}

TEST(Config, SetReplacesAndEraseRemoves) {
  Config c = {{"a", 1}, {"b", 2}};
  c.set("a", "x");
  EXPECT_EQ(c.size(), 2u);
  EXPECT_EQ(c.get<std::string>("a"), "x");
  c.erase("a");
  EXPECT_FALSE(c.contains("a"));
  c.erase("b");
  EXPECT_TRUE(c.empty());
  EXPECT_EQ(c.to_json(), "{}");
}

struct Sample {
  int axis = 1;
  DType dtype = float32;
  std::vector<int> pads;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis), v("dtype", s.dtype), v("pads", s.pads);
  }
};

TEST(Fields, GoThroughAConfigAndBack) {
  Sample s{.axis = -2, .dtype = bfloat16, .pads = {1, 2}}, back;
  const Config c = config_of(s);
  EXPECT_EQ(c.to_json(), R"({"axis": -2, "dtype": "bfloat16", "pads": [1, 2]})");
  read_config(c, back);
  EXPECT_EQ(config_of(back), c);
  Config incomplete = c;
  incomplete.erase("dtype");
  EXPECT_EQ(message_of<ValueError>([&] { read_config(incomplete, back); }),
            "config has no value 'dtype'; it has 'axis', 'pads'.");
}

}  // namespace
}  // namespace strata
