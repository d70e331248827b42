#include "strata/artifact.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "core/zip.h"
#include "strata/strata.h"
#include "tests/support/errors.h"
#include "tests/support/file_formats.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using namespace layers;

class Colors : public CustomModel<Colors> {  // which the reading side need not know
 public:
  Tensor call(const Tensor& x) const { return out_(reduce_mean(x, {1, 2})); }

 private:
  Dense out_ = track("out", Dense(3, {.activation = "softmax", .kernel_initializer = "identity", .name = "out"}));
};

class ArtifactTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "strata_artifact_test_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    model_(zeros({1, 8, 6, 3}));
    utils::save_img(path("red.png"), cast(full({20, 30, 3}, 1.f) * Tensor({250.f, 10.f, 20.f}), float32),
                    {.scale = false});
    utils::save_img(path("blue.jpg"), cast(full({9, 9, 3}, 1.f) * Tensor({10.f, 10.f, 240.f}), float32),
                    {.scale = false});
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // The archive again, with other bytes of one entry.
  void replace(const std::string& name, const std::string& bytes) {
    const InputFile in(path("app.strata"));
    const ZipReader zip(in);
    AtomicFile out(path("other.strata"));
    ZipWriter writer(out);
    for (const ZipEntry& e : zip.entries()) {
      std::string old(static_cast<std::size_t>(e.uncompressed), '\0');
      zip.open(e)->read(old.data(), old.size());
      writer.add(e.name, {}, e.name == name ? bytes : old, false);
    }
    writer.finish();
    out.commit();
  }
  fs::path folder_;
  Colors model_;
};

TEST_F(ArtifactTest, PredictsFromFilesWithoutTheClass) {
  Artifact::save(model_, path("app.strata"),
                 {.class_names = {"red", "green", "blue"}, .preprocessing = {.scale = 1.0 / 64}});
  const Artifact app(path("app.strata"));
  const auto [label, probability] = app.predict(path("red.png"));
  EXPECT_EQ(label, "red");
  EXPECT_GT(probability, 0.9);
  EXPECT_EQ(app.predict(path("blue.jpg")).label, "blue");
  const auto all = app.top(path("blue.jpg"));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_NEAR(all[0].probability + all[1].probability + all[2].probability, 1, 1e-5);
  EXPECT_GE(all[1].probability, all[2].probability);
  EXPECT_EQ(app.top(path("blue.jpg"), 1)[0], all[0]);
  EXPECT_EQ(app.preprocessing().target_size, (std::vector<std::int64_t>{8, 6}));
  const Image red = utils::load_img(path("red.png"));
  EXPECT_EQ(app.probabilities({red, red}).shape(), (Shape{2, 3}));
  // The same numbers as by hand.
  const Tensor x =
      utils::img_to_array(utils::load_img(path("red.png"), {.target_size = {8, 6}, .interpolation = "bilinear"}));
  const Tensor want = model_(expand_dims(x, 0) / 64.f);
  EXPECT_NEAR(reduce_max(want).item<float>(), probability, 1e-5);
  EXPECT_EQ(load_model(path("app.strata")).count_params(), model_.count_params());
}

TEST_F(ArtifactTest, AGoldenSampleOfOtherOutcomeIsAnError) {
  Artifact::save(model_, path("app.strata"), {.class_names = {"red", "green", "blue"}});
  save_npy(path("other.npy"), Tensor({{0.1f, 0.8f, 0.1f}}));
  replace("sample.npy", read_bytes(path("other.npy")));
  const std::string text = message_of([&] { Artifact app(path("other.strata")); });
  EXPECT_NE(text.find("the golden sample gives {\""), std::string::npos) << text;
  EXPECT_NE(text.find("but gave {\"green\", 0.8000} when the file was written"), std::string::npos) << text;
  EXPECT_NO_THROW(Artifact(path("other.strata"), {.verify = false}));
  // Another preprocessing is noticed, too.
  const InputFile in(path("app.strata"));
  const ZipReader zip(in);
  std::string json(static_cast<std::size_t>(zip.entries()[0].uncompressed), '\0');
  zip.open(zip.entries()[0])->read(json.data(), json.size());
  ASSERT_NE(json.find("\"keep_aspect_ratio\""), std::string::npos);
  json.replace(json.find("\"mean\": []"), 10, "\"mean\": [0.9, 0, 0]");
  replace("artifact.json", json);
  EXPECT_NE(message_of([&] { Artifact app(path("other.strata")); }).find("do not trust it"), std::string::npos);
}

TEST_F(ArtifactTest, OneOutputIsTheSecondOfTwoClasses) {
  Sequential model({Input({4, 4, 1}), Flatten(), Dense(1)});
  model.weights()[0].assign(ones({16, 1}));
  Artifact::save(model, path("two.strata"), {.class_names = {"dark", "bright"}, .from_logits = true});
  const Artifact app(path("two.strata"));
  const auto [label, probability] = app.predict(Image(cast(full({4, 4, 3}, 255.f), uint8)));
  EXPECT_EQ(label, "bright");
  EXPECT_NEAR(probability, 0.9999999, 1e-4);
}

TEST_F(ArtifactTest, WhatDoesNotFitIsNamed) {
  EXPECT_NE(message_of([&] {
              Artifact::save(model_, path("a.strata"), {.class_names = {"red", "blue"}});
            }).find("2 class names for a model of 3 classes"),
            std::string::npos);
  Sequential logits({Input({4, 4, 3}), Flatten(), Dense(2)});
  EXPECT_NE(message_of([&] {
              Artifact::save(logits, path("a.strata"), {.class_names = {"red", "blue"}});
            }).find("Use .from_logits = true"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              Artifact::save(Sequential({Input({4}), Dense(2)}), path("a.strata"), {.class_names = {"a", "b"}});
            }).find("expected pictures"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              Artifact::save(logits, path("a.strata"), {.class_names = {"a", "b"}, .preprocessing = {.mean = {1, 2}}});
            }).find("2 means or deviations for 3 channels"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(path("a.strata")));
  save_npz(path("other.npz"), {{"a", ones({2})}});
  EXPECT_FALSE(is_artifact(path("other.npz")));
  EXPECT_NE(message_of([&] { Artifact app(path("other.npz")); }).find("the archive has no 'artifact.json'"),
            std::string::npos);
  EXPECT_THROW(Artifact(path("nowhere.strata")), FileError);
}

}  // namespace
}  // namespace strata::test
