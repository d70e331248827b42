#include "strata/directories.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include "strata/array.h"
#include "strata/image.h"
#include "strata/layers/text.h"
#include "strata/reduce.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

class DirectoriesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("strata_directories_" + std::to_string(getpid()));
    for (const char* name : {"cats", "dogs"}) fs::create_directories(folder_ / name);
    for (int i = 0; i < 6; ++i) {
      const bool dog = i >= 4;
      utils::save_img((folder_ / (dog ? "dogs" : "cats") / (std::to_string(i) + (i % 2 ? ".png" : ".jpg"))).string(),
                      full({8 + i, 10, 3}, static_cast<float>(10 * i)), {.scale = false});
    }
    write("cats/a.txt", "The cat sat.");
    write("dogs/b.txt", "A dog ran!");
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string path(const std::string& name = "") const { return (folder_ / name).string(); }
  fs::path folder_;
};

// capability: 8.10
TEST_F(DirectoriesTest, Pictures) {
  const auto [dataset, names, files] =
      utils::image_dataset_from_directory(path(), {.batch_size = 4, .image_size = {8, 8}, .shuffle = false});
  EXPECT_EQ(names, (std::vector<std::string>{"cats", "dogs"}));
  EXPECT_EQ(files.size(), 6u);
  std::vector<int> labels;
  std::vector<float> greys;
  for (const auto& [x, y] : dataset) {
    EXPECT_EQ(x.shape().sub(1), Shape({8, 8, 3}));
    for (const int v : y.to_vector<int>()) labels.push_back(v);
    for (const float v : reduce_mean(x, {1, 2, 3}).to_vector<float>()) greys.push_back(std::round(v / 10));
  }
  EXPECT_EQ(labels, (std::vector<int>{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(greys, (std::vector<float>{0, 1, 2, 3, 4, 5}));
  for (const auto& [x, y] :
       utils::image_dataset_from_directory(path(), {.label_mode = "categorical", .color_mode = "grayscale", .seed = 1})
           .dataset) {
    EXPECT_EQ(x.shape(), Shape({6, 256, 256, 1}));
    EXPECT_EQ(y.shape(), Shape({6, 2}));
  }
}

TEST_F(DirectoriesTest, SubsetsAreApart) {
  std::multiset<std::string> all;
  for (const std::string subset : {"training", "validation"}) {
    const auto part =
        utils::image_dataset_from_directory(path(), {.seed = 3, .validation_split = 0.34, .subset = subset});
    EXPECT_EQ(part.file_paths.size(), subset == "training" ? 4u : 2u);
    all.insert(part.file_paths.begin(), part.file_paths.end());
  }
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 6u);
}

TEST_F(DirectoriesTest, Errors) {
  EXPECT_NE(test::message_of([&] { utils::image_dataset_from_directory(path("nowhere")); }).find("is no folder"),
            std::string::npos);
  EXPECT_THROW(utils::image_dataset_from_directory(path("cats")), FileError);
  EXPECT_THROW(utils::image_dataset_from_directory(path(), {.label_mode = "float"}), ValueError);
  EXPECT_THROW(utils::image_dataset_from_directory(path(), {.validation_split = 0.5}), ValueError);
  EXPECT_THROW(utils::image_dataset_from_directory(path(), {.validation_split = 0.5, .subset = "training"}),
               ValueError);
  EXPECT_THROW(utils::image_dataset_from_directory(path(), {.class_names = {"birds"}}), FileError);
  // A damaged picture is named when it is reached, with the number of its element.
  write("cats/2.jpg", "\xff\xd8\xff, no picture");
  const auto broken = utils::image_dataset_from_directory(path(), {.shuffle = false});
  const std::string error = test::message_of([&] {
    for (const auto& element : broken.dataset) (void)element;
  });
  EXPECT_NE(error.find("element 2"), std::string::npos) << error;
  EXPECT_NE(error.find("2.jpg"), std::string::npos) << error;
}

TEST_F(DirectoriesTest, Texts) {
  const auto [texts, labels, names, files] = utils::texts_from_directory(path());
  EXPECT_EQ(texts, (std::vector<std::string>{"The cat sat.", "A dog ran!"}));
  EXPECT_EQ(labels.to_vector<int>(), (std::vector<int>{0, 1}));
  EXPECT_EQ(utils::texts_from_directory(path(), {.max_length = 3}).texts[0], "The");
}

TEST_F(DirectoriesTest, Csv) {
  write("t.csv", "\xef\xbb\xbfname,age,\"note, long\"\r\nAnn,31,\"says \"\"hi\"\"\"\r\nBob,,\"two\nlines\"\n");
  const auto table = utils::read_csv(path("t.csv"));
  EXPECT_EQ(table.names(), (std::vector<std::string>{"name", "age", "note, long"}));
  EXPECT_EQ(table.column("note, long"), (std::vector<std::string>{"says \"hi\"", "two\nlines"}));
  const auto ages = table.numbers_of("age").to_vector<float>();
  EXPECT_EQ(ages[0], 31);
  EXPECT_TRUE(std::isnan(ages[1]));
  EXPECT_NE(test::message_of([&] { table.numbers_of("name"); }).find("row 0"), std::string::npos);
  EXPECT_NE(test::message_of([&] { table.column("sex"); }).find("name, age"), std::string::npos);
  write("n.csv", "1;2\n3;4.5\n");
  EXPECT_EQ(utils::read_csv(path("n.csv"), {.header = false, .delimiter = ';'}).numbers({"0", "1"}).to_vector<float>(),
            (std::vector<float>{1, 2, 3, 4.5}));
  write("bad.csv", "a,b\n1,2\n3\n");
  EXPECT_NE(test::message_of([&] { utils::read_csv(path("bad.csv")); }).find("line 3"), std::string::npos);
  write("open.csv", "a,b\n1,\"2\n");
  EXPECT_NE(test::message_of([&] { utils::read_csv(path("open.csv")); }).find("never closed"), std::string::npos);
  EXPECT_THROW(utils::read_csv(path("none.csv")), FileError);
}

TEST(Text, VectorizationLikeKeras) {
  layers::TextVectorization vectorize({.max_tokens = 6});
  vectorize.adapt({"The cat, the dog!", "the CAT ran", "a dog sat"});
  EXPECT_EQ(vectorize.get_vocabulary(), (std::vector<std::string>{"", "[UNK]", "the", "dog", "cat", "sat"}));
  const Tensor ids = vectorize({"the dog flew", "cat"});
  EXPECT_EQ(ids.shape(), Shape({2, 3}));
  EXPECT_EQ(ids.to_vector<int>(), (std::vector<int>{2, 3, 1, 4, 0, 0}));
  const layers::TextVectorization counts({.output_mode = "count", .vocabulary = {"a", "b"}});
  EXPECT_EQ(counts({"a b a", "x"}).to_vector<float>(), (std::vector<float>{0, 2, 1, 1, 0, 0}));
  const layers::StringLookup lookup({.num_oov_indices = 0, .vocabulary = {"a", "b"}});
  EXPECT_EQ(lookup("b"), 1);
  EXPECT_EQ(lookup.words(Tensor({1, 0})), (std::vector<std::string>{"b", "a"}));
  EXPECT_THROW(lookup("c"), ValueError);
  EXPECT_THROW(layers::StringLookup()("c"), ValueError);
  EXPECT_THROW(layers::TextVectorization({.split = "lines"}), ValueError);
}

}  // namespace
}  // namespace strata
