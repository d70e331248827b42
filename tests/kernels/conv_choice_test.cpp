#include "kernels/conv_choice.h"

#include <gtest/gtest.h>

#include <string>

#include "kernels/conv_plan.h"
#include "strata/error.h"
#include "strata/kernels.h"

namespace strata::kernels {
namespace {

ConvTask task() {
  Convolution c;
  c.batch = 16, c.in_channels = c.out_channels = 32;
  c.in = c.out = {1, 16, 16};
  c.kernel = {1, 3, 3};
  c.pad = {0, 1, 1};
  return {ConvKind::forward, DType::float32, DType::float32, c};
}

struct ConvChoice : ::testing::Test {
  void TearDown() override {
    set_choice("timed");
    allow_winograd(true);
  }
};

TEST_F(ConvChoice, WeightsThatArePackedOnceAreAChoiceOfTheirOwn) {
  ConvTask t = task();
  const std::string changing = choice_key(t);
  t.constant_weights = true;
  EXPECT_EQ(choice_key(t), changing + " constant weights");
}

TEST_F(ConvChoice, WinogradCanBeForbidden) {
  EXPECT_EQ(prepare_conv(task())->implementation(), "winograd 4x4");
  allow_winograd(false);
  EXPECT_FALSE(winograd_allowed());
  EXPECT_EQ(prepare_conv(task())->implementation().find("winograd"), std::string::npos);
}

TEST_F(ConvChoice, TheSameTaskIsAlwaysChosenTheSame) {
  ConvTask doubtful = task();
  doubtful.geometry.batch = 1;
  doubtful.geometry.in_channels = 17;
  const std::string first = prepare_conv(doubtful)->implementation();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(prepare_conv(doubtful)->implementation(), first);
  EXPECT_NE(export_choices().find(choice_key(doubtful) + " = "), std::string::npos);
}

TEST_F(ConvChoice, ImportedChoicesComeFirst) {
  ConvTask t = task();
  t.geometry.batch = 17;
  import_choices(choice_key(t) + " = onednn\n");
  EXPECT_NE(prepare_conv(t)->implementation().find("onednn"), std::string::npos);
  import_choices(choice_key(t) + " = winograd\n");
  EXPECT_EQ(prepare_conv(t)->implementation(), "winograd 4x4");
  set_choice("fixed");
  EXPECT_EQ(choice(), "fixed");
  EXPECT_EQ(prepare_conv(t)->implementation(), "winograd 4x4");
}

TEST_F(ConvChoice, AChoiceThatThisMachineLacksIsMadeAnew) {
  ConvTask t = task();
  t.geometry.batch = 18;
  import_choices(choice_key(t) + " = of another machine\n");
  EXPECT_EQ(prepare_conv(t)->implementation(), "winograd 4x4");
}

TEST_F(ConvChoice, SlicesDoNotChangeTheChoice) {
  ConvTask t = task();
  t.dst_stride = 100;
  EXPECT_EQ(choice_key(t), choice_key(task()));
}

// oneDNN would write slices by way of copies.
TEST_F(ConvChoice, TilesWriteSlicesAndAreTimedOnDenseRows) {
  ConvTask t = task();
  t.dtype = DType::bfloat16;
  t.geometry.batch = 19;
  if (make_tiles_plan(t) == nullptr) GTEST_SKIP() << "this machine has no AMX";
  for (const ConvKind kind : {ConvKind::forward, ConvKind::backward_data, ConvKind::backward_weights}) {
    t.kind = kind;
    t.src_stride = t.dst_stride = 0;
    prepare_conv(t);
    EXPECT_NE(export_choices().find(choice_key(t) + " = "), std::string::npos);
    import_choices(choice_key(t) + " = onednn\n");
    EXPECT_NE(prepare_conv(t)->implementation().find("onednn"), std::string::npos);
    t.dst_stride = 100;
    EXPECT_EQ(prepare_conv(t)->implementation(), "amx tiles");
  }
  set_choice("fixed");
  t.dst_stride = 0;
  t.geometry.batch = 20;
  EXPECT_EQ(prepare_conv(t)->implementation(), "amx tiles");
}

TEST_F(ConvChoice, WrongWordsAndTextsAreErrors) {
  try {
    set_choice("fastest");
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_STREQ(e.what(), "kernels::set_choice: received 'fastest'. Expected \"timed\" or \"fixed\".");
  }
  try {
    import_choices("conv a = b\nnonsense\n");
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("a line is 'nonsense'"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace strata::kernels
