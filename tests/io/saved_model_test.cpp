#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "graph/registry.h"
#include "io/saved_model/bundle.h"
#include "io/saved_model/export.h"
#include "io/saved_model/table.h"
#include "strata/strata.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using namespace layers;

fs::path temporary(const std::string& name) {
  const fs::path path = fs::path(testing::TempDir()) / ("strata_saved_model_" + std::to_string(getpid())) / name;
  fs::remove_all(path);
  fs::create_directories(path.parent_path());
  return path;
}

// A new op must say what becomes of it in a SavedModel.
TEST(SavedModelExport, EveryOpHasARowOrAReason) {
  for (const OpRow& row : registry().rows()) {
    const bool has_row = saved_model::export_table().find(row.name) != nullptr;
    const bool has_reason = !saved_model::reason_without_row(row.name).empty();
    EXPECT_TRUE(has_row || has_reason) << "op '" << row.name
                                       << "': add a row to src/io/saved_model/export_<family>.cpp, or a reason to the "
                                          "list in export_index.cpp";
    EXPECT_FALSE(has_row && has_reason) << "op '" << row.name << "' has both a row and a reason to have none";
  }
}

// capability: 6.1
TEST(SavedModelExport, WritesTheFolderAndExchangesAnOldOne) {
  const fs::path path = temporary("net");
  Sequential first({Input({2}), Dense(1, {.name = "out"})}), second({Input({3}), Dense(2, {.name = "out"})});
  saved_model::save(first, path.string());
  EXPECT_TRUE(saved_model::is_saved_model(path.string()));
  for (const char* part : {"saved_model.pb", "fingerprint.pb", "variables/variables.index",
                           "variables/variables.data-00000-of-00001", "assets"})
    EXPECT_TRUE(fs::exists(path / part)) << part;
  std::ofstream(path / "assets" / "mine.txt") << "words";
  saved_model::save(second, path.string() + "/");
  const saved_model::BundleReader bundle((path / "variables" / "variables").string());
  EXPECT_EQ(bundle.tensor("out/kernel/.ATTRIBUTES/VARIABLE_VALUE").shape(), (Shape{3, 2}));
  EXPECT_FALSE(fs::exists(path / "assets" / "mine.txt"));
  std::size_t left = 0;
  for (const auto& entry : fs::directory_iterator(path.parent_path()))
    left += entry.path().string().starts_with(path.string() + ".");
  EXPECT_EQ(left, 0u);
}

TEST(SavedModelExport, LeavesOtherFoldersAlone) {
  const fs::path path = temporary("photos");
  fs::create_directories(path);
  std::ofstream(path / "cat.txt") << "cat";
  Sequential model({Input({2}), Dense(1)});
  EXPECT_THROW(saved_model::save(model, path.string()), FileError);
  EXPECT_TRUE(fs::exists(path / "cat.txt"));
}

TEST(SavedModelExport, AnUnbuiltModelSaysWhatToDo) {
  Sequential model({Dense(3)});
  EXPECT_THROW(saved_model::save(model, temporary("unbuilt").string()), ValueError);
}

TEST(SortedTable, KeepsItsEntriesOverSeveralBlocks) {
  std::map<std::string, std::string> entries;
  for (int i = 0; i < 3000; ++i)
    entries["layer_" + std::to_string(i) + "/kernel"] = std::string(static_cast<std::size_t>(i % 70), 'x');
  entries[""] = "header";
  EXPECT_EQ(saved_model::read_table(saved_model::write_table(entries), "t"), entries);
}

TEST(SortedTable, EveryPrefixAndFlippedByteIsAnErrorOrTheSame) {
  const std::map<std::string, std::string> entries = {{"", "header"}, {"a/b", "12"}, {"a/c", "345"}, {"d", ""}};
  const std::string bytes = saved_model::write_table(entries);
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_THROW(saved_model::read_table(bytes.substr(0, n), "t"), FileError) << n;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x41);
    try {
      EXPECT_EQ(saved_model::read_table(damaged, "t"), entries) << "byte " << i;
    } catch (const FileError&) {
    }
  }
}

TEST(TensorBundle, DataThatAreCutOrDamagedAreErrors) {
  const fs::path path = temporary("bundle");
  fs::create_directories(path);
  const std::string prefix = (path / "variables").string();
  const Tensor values = random::normal({40, 3}, {.seed = 3});
  saved_model::write_bundle(prefix, {{"a", values}, {"b", cast(values, bfloat16)}, {"c", zeros({0, 4})}}, "graph");
  const saved_model::BundleReader bundle(prefix);
  EXPECT_EQ(bundle.tensor("a").to_vector<float>(), values.to_vector<float>());
  EXPECT_EQ(bundle.tensor("b").dtype(), bfloat16);
  EXPECT_EQ(bundle.tensor("c").shape(), (Shape{0, 4}));
  EXPECT_EQ(bundle.text("_CHECKPOINTABLE_OBJECT_GRAPH"), "graph");
  EXPECT_THROW(bundle.tensor("z"), FileError);
  const std::string data = prefix + ".data-00000-of-00001";
  {
    std::fstream file(data, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(10);
    file.put('!');
  }
  EXPECT_THROW(bundle.tensor("a"), FileError);
  fs::resize_file(data, 500);
  EXPECT_THROW(bundle.tensor("b"), FileError);
}

}  // namespace
}  // namespace strata::test
