// capability: 1.26
#include <gtest/gtest.h>

#include "strata/array.h"
#include "strata/function.h"
#include "strata/utils.h"

namespace strata {
namespace {

using Numbers = std::vector<double>;

TEST(ToCategorical, TakesColumnsAndAnyDtype) {
  const Tensor labels = {2, 0, 1};
  const Numbers rows = {0, 0, 1, 1, 0, 0, 0, 1, 0};
  for (DType dtype : {uint8, int32, int64, float32, float64}) {
    const Tensor y = cast(labels, dtype);
    for (const Tensor& given : {y, expand_dims(y, 1)}) {
      const Tensor out = utils::to_categorical(given, 3);
      EXPECT_EQ(out.dtype(), float32);
      EXPECT_EQ(out.shape(), (Shape{3, 3}));
      EXPECT_EQ(out.to_vector<double>(), rows);
    }
  }
  EXPECT_EQ(utils::to_categorical(labels).shape(), (Shape{3, 3}));
  EXPECT_EQ(utils::to_categorical(zeros({0}, int32), 4).shape(), (Shape{0, 4}));
  EXPECT_EQ(utils::to_categorical(zeros({2, 3}, int32), 4).shape(), (Shape{2, 3, 4}));
}

TEST(ToCategorical, NamesTheLabelThatIsNoClass) {
  for (const auto& [labels, text] :
       std::vector<std::pair<Tensor, std::string>>{{Tensor({0, 3}), "label 3 at position 1"},
                                                   {Tensor({-1, 0}), "label -1 at position 0"},
                                                   {Tensor({0.5f}), "label 0.5"}}) {
    try {
      utils::to_categorical(labels, 3);
      ADD_FAILURE() << "nothing was thrown for " << text;
    } catch (const ValueError& e) {
      EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find("num_classes = 3"), std::string::npos) << e.what();
    }
  }
}

TEST(ToCategorical, WorksInsideAFunction) {
  auto f = function([](const Tensor& y) { return utils::to_categorical(y, 3); });
  EXPECT_EQ(f(Tensor({1, 2})).to_vector<double>(), (Numbers{0, 1, 0, 0, 0, 1}));
}

}  // namespace
}  // namespace strata
