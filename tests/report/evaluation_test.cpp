#include "strata/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "strata/array.h"
#include "strata/reduce.h"
#include "strata/utils.h"
#include "tests/support/errors.h"

namespace strata::evaluation {
namespace {

const Tensor kTrue = {0, 1, 2, 2, 0, 1};
const Tensor kPredicted = {0, 2, 2, 2, 0, 0};

using test::message_of;

// capability: 7.2, 7.8
TEST(ClassificationReport, HasScikitLearnsLayout) {
  std::ostringstream out;
  out << classification_report(kTrue, kPredicted, {.target_names = {"cat", "dog", "a long class name"}});
  EXPECT_EQ(out.str(), R"(                   precision    recall  f1-score   support

              cat       0.67      1.00      0.80         2
              dog       0.00      0.00      0.00         2
a long class name       0.67      1.00      0.80         2

         accuracy                           0.67         6
        macro avg       0.44      0.67      0.53         6
     weighted avg       0.44      0.67      0.53         6
)");
}

TEST(ClassificationReport, HasValues) {
  const ClassificationReport report = classification_report(kTrue, kPredicted, {.target_names = {"cat", "dog", "eel"}});
  EXPECT_DOUBLE_EQ(report["cat"].precision, 2. / 3);
  EXPECT_DOUBLE_EQ(report["macro avg"].recall, 2. / 3);
  EXPECT_DOUBLE_EQ(*report.accuracy, 4. / 6);
  EXPECT_EQ(report["dog"].support, 2);
  const std::string text = report;
  EXPECT_EQ(text, report.to_string());
  EXPECT_NE(message_of([&] { report["fox"]; }).find("cat, dog, eel, macro avg"), std::string::npos);
}

TEST(ClassificationReport, NamesMustFit) {
  const std::string text = message_of([] { classification_report(kTrue, kPredicted, {.target_names = {"a", "b"}}); });
  EXPECT_NE(text.find("2 target_names are given for the 3 classes [0, 1, 2]"), std::string::npos) << text;
}

// capability: 7.5
TEST(ConfusionMatrix, CountsPairs) {
  const Tensor table = confusion_matrix(kTrue, kPredicted);
  EXPECT_EQ(table.dtype(), int64);
  EXPECT_EQ(table.to_vector<std::int64_t>(), (std::vector<std::int64_t>{2, 0, 0, 1, 0, 1, 0, 0, 2}));
  const Tensor shares = confusion_matrix(kTrue, kPredicted, {.normalize = "true"});
  EXPECT_EQ(shares.to_vector<double>(), (std::vector<double>{1, 0, 0, 0.5, 0, 0.5, 0, 0, 1}));
  EXPECT_NE(
      message_of([] { confusion_matrix(kTrue, kPredicted, {.normalize = "rows"}); }).find("normalize is \"rows\""),
      std::string::npos);
}

TEST(ConfusionMatrix, ProbabilitiesNeedArgmax) {
  const std::string text = message_of([] { confusion_matrix(kTrue, utils::to_categorical(kPredicted, 3)); });
  EXPECT_NE(text.find("Use argmax(y_pred, 1)"), std::string::npos) << text;
  const std::string scores = message_of([] { confusion_matrix(Tensor{0, 1}, Tensor{0.2, 0.7}); });
  EXPECT_NE(scores.find("which is no class label"), std::string::npos) << scores;
}

// capability: 7.3
TEST(PrecisionRecall, OfTwoClasses) {
  const Tensor t = {0, 1, 1, 1, 0}, p = {0, 1, 0, 1, 1};
  EXPECT_DOUBLE_EQ(precision_score(t, p), 2. / 3);
  EXPECT_DOUBLE_EQ(recall_score(t, p), 2. / 3);
  EXPECT_DOUBLE_EQ(f1_score(t, p), 2. / 3);
  EXPECT_DOUBLE_EQ(recall_score(t, p, {.pos_label = 0}), 0.5);
  EXPECT_DOUBLE_EQ(fbeta_score(kTrue, kPredicted, 2, {.average = "macro"}), (2 * 10. / 11) / 3);
  const std::string text = message_of([] { precision_score(kTrue, kPredicted); });
  EXPECT_NE(text.find("there are 3 classes, but average is \"binary\""), std::string::npos) << text;
}

// capability: 7.4
TEST(RocAuc, HardLabelsHaveTheKnownAnswer) {
  // (a + 1 - (1 - a)/9) / 2 for ten balanced classes of accuracy a.
  std::vector<std::int64_t> truth, predicted;
  for (std::int64_t i = 0; i < 2000; ++i) {
    truth.push_back(i % 10);
    predicted.push_back(i < 1437 ? i % 10 : (i % 10 + 1 + i / 10 % 9) % 10);
  }
  const Tensor t = Tensor::from(truth, {2000}), p = Tensor::from(predicted, {2000});
  const double a = accuracy_score(t, p);
  EXPECT_DOUBLE_EQ(a, 0.7185);
  EXPECT_NEAR(roc_auc_score(t, utils::to_categorical(p, 10), {.average = "macro"}), 0.84361, 5e-6);
  EXPECT_NEAR(roc_auc_score(t, p), 0.84361, 5e-6);
  LabelBinarizer binarizer;
  binarizer.fit(t);
  EXPECT_NEAR(roc_auc_score(binarizer.transform(t), binarizer.transform(p)), 0.84361, 5e-6);
}

TEST(RocAuc, OneClassIsNotDefined) { EXPECT_TRUE(std::isnan(roc_auc_score(Tensor{1, 1}, Tensor{0.2, 0.4}))); }

TEST(RocAuc, MissingClassesAreNamed) {
  const Tensor scores = {{0.2, 0.3, 0.4, 0.1}, {0.2, 0.3, 0.4, 0.1}, {0.2, 0.3, 0.4, 0.1}};
  const std::string text = message_of([&] { roc_auc_score(Tensor{0, 1, 3}, scores); });
  EXPECT_NE(text.find("classes [0, 1, 3], but y_score has 4 columns"), std::string::npos) << text;
}

TEST(Curves, OfFourSamples) {
  const Tensor y = {0, 0, 1, 1}, s = {0.1, 0.4, 0.35, 0.8};
  const auto [fpr, tpr, thresholds] = roc_curve(y, s);
  EXPECT_EQ(fpr.to_vector<double>(), (std::vector<double>{0, 0, 0.5, 0.5, 1}));
  EXPECT_EQ(tpr.to_vector<double>(), (std::vector<double>{0, 0.5, 0.5, 1, 1}));
  EXPECT_TRUE(std::isinf(thresholds.to_vector<double>()[0]));
  EXPECT_DOUBLE_EQ(auc(fpr, tpr), 0.75);
  EXPECT_NEAR(average_precision_score(y, s), 0.8333333, 1e-6);
  EXPECT_NE(message_of([&] { roc_curve(Tensor{3, 4, 3, 4}, s); }).find("Give .pos_label"), std::string::npos);
  EXPECT_NE(message_of([&] { roc_curve(Tensor{0, 1}, s); }).find("2 true labels and 4 predictions"), std::string::npos);
}

TEST(LogLoss, CutsCertainMistakes) {
  EXPECT_NEAR(log_loss(Tensor{1, 0}, Tensor{0.9, 0.2}), -(std::log(0.9) + std::log(0.8)) / 2, 1e-12);
  EXPECT_NEAR(log_loss(Tensor{1, 0}, Tensor{0.f, 0.f}), -std::log(0x1p-23) / 2, 1e-6);
  EXPECT_NE(message_of([] { log_loss(Tensor{1, 0}, Tensor{1.5, 0.2}); }).find("no probability"), std::string::npos);
}

TEST(TopK, CountsHighestScores) {
  const Tensor s = {{0.5, 0.3, 0.2}, {0.3, 0.4, 0.3}, {0.2, 0.3, 0.5}};
  EXPECT_DOUBLE_EQ(top_k_accuracy_score(Tensor{0, 1, 2}, s, {.k = 1}), 1);
  EXPECT_DOUBLE_EQ(top_k_accuracy_score(Tensor{1, 0, 2}, s, {.k = 2}), 2. / 3);
}

TEST(LabelBinarizer, GoesThereAndBack) {
  LabelBinarizer binarizer;
  const Tensor y = {4, 2, 4, 9};
  EXPECT_EQ(binarizer.fit_transform(y).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(binarizer.inverse_transform(binarizer.transform(y)).to_vector<std::int64_t>(), y.to_vector<std::int64_t>());
  EXPECT_EQ(binarizer.classes(), (Labels{2, 4, 9}));
  EXPECT_NE(message_of([] { LabelBinarizer().transform(Tensor{1}); }).find("Call fit(y) first"), std::string::npos);
}

TEST(Evaluation, WeightsMustFit) {
  const std::string text = message_of([] { accuracy_score(kTrue, kPredicted, {.sample_weight = {1., 2.}}); });
  EXPECT_NE(text.find("sample_weight has shape (2,), but there are 6 samples"), std::string::npos) << text;
}

}  // namespace
}  // namespace strata::evaluation
