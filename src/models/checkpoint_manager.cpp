#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "core/atomic_file.h"
#include "core/file.h"
#include "models/checkpoint_state.h"
#include "strata/checkpoint.h"

namespace strata {

namespace fs = std::filesystem;

namespace {

// A line of the list that the directory holds.
struct Kept {
  std::int64_t number = 0;
  double time = 0;  // seconds since 1970
  std::optional<double> value;
  bool is_permanent = false;
};

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

struct CheckpointManager::State {
  State(const Checkpoint& c, std::string d, CheckpointManagerOptions o)
      : checkpoint(c), directory(std::move(d)), options(std::move(o)) {}

  std::string path_of(std::int64_t number) const {
    return (fs::path(directory) / fmt::format("{}-{}", options.checkpoint_name, number)).string();
  }
  std::string list_file() const { return (fs::path(directory) / (options.checkpoint_name + ".json")).string(); }

  void read_list() {
    std::error_code error;
    if (!fs::exists(list_file(), error)) return;
    const InputFile file(list_file());
    std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), 1u << 26)), ' ');
    file.read_at(0, text.data(), text.size());
    try {
      const nlohmann::json parsed = nlohmann::json::parse(text);
      for (const auto& e : parsed.at("checkpoints")) {
        Kept k{e.at("number"), e.at("time"), {}, e.at("permanent")};
        if (e.contains("value")) k.value = e.at("value").get<double>();
        if (fs::is_directory(path_of(k.number), error)) list.push_back(k);
      }
    } catch (const nlohmann::json::exception& e) {
      throw FileError("'" + list_file() + "' is damaged: " + e.what() + ". Remove it to begin a new list.");
    }
  }

  void write_list() const {
    nlohmann::json entries = nlohmann::json::array();
    for (const Kept& k : list) {
      entries.push_back({{"number", k.number}, {"time", k.time}, {"permanent", k.is_permanent}});
      if (k.value) entries.back()["value"] = *k.value;
    }
    const std::string text = nlohmann::json({{"checkpoints", entries}}).dump(1) + "\n";
    AtomicFile file(list_file());
    file.write(text.data(), text.size());
    file.commit();
  }

  const Kept* best() const {
    const Kept* found = nullptr;
    for (const Kept& k : list)
      if (k.value &&
          (found == nullptr || (options.mode == "min" ? *k.value < *found->value : *k.value > *found->value)))
        found = &k;
    return found;
  }

  // What max_to_keep pushes out. The list is written first: it never names a folder that is gone.
  void remove_old() {
    if (options.max_to_keep <= 0) return;
    const Kept* best_one = best();
    const std::int64_t best_number = best_one != nullptr ? best_one->number : -1;
    std::vector<Kept> stay;
    std::vector<std::int64_t> gone;
    const auto count = list.size();
    for (std::size_t i = 0; i < count; ++i) {
      Kept& k = list[i];
      const bool is_recent = i + static_cast<std::size_t>(options.max_to_keep) >= count;
      if (!is_recent && !k.is_permanent && options.keep_checkpoint_every_n_hours &&
          k.time - last_permanent >= *options.keep_checkpoint_every_n_hours * 3600) {
        k.is_permanent = true;
        last_permanent = k.time;
      }
      if (is_recent || k.is_permanent || k.number == best_number)
        stay.push_back(k);
      else
        gone.push_back(k.number);
    }
    list = std::move(stay);
    write_list();
    std::error_code error;
    for (const std::int64_t n : gone) fs::remove_all(path_of(n), error);
  }

  void write(const CheckpointContents& contents, const Kept& entry) {
    write_checkpoint(path_of(entry.number), contents, options.shard_bytes);
    std::erase_if(list, [&](const Kept& k) { return k.number == entry.number; });
    list.push_back(entry);
    write_list();
    remove_old();
  }

  void wait() {
    if (writer.joinable()) writer.join();
    snapshot = {};  // here, not in the thread: its tensors go on the thread that may reuse their memory
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }

  Checkpoint checkpoint;
  std::string directory;
  CheckpointManagerOptions options;
  std::vector<Kept> list;
  double last_permanent = now();
  std::thread writer;
  CheckpointContents snapshot;
  std::exception_ptr error;
};

CheckpointManager::CheckpointManager(const Checkpoint& checkpoint, const std::string& directory,
                                     const CheckpointManagerOptions& options)
    : state_(std::make_unique<State>(checkpoint, directory, options)) {
  if (options.max_to_keep < 0)
    throw ValueError(fmt::format("CheckpointManager: max_to_keep is {}. Use a positive number, or 0 to keep all.",
                                 options.max_to_keep));
  if (options.mode != "min" && options.mode != "max")
    throw ValueError("CheckpointManager: mode is '" + options.mode + "'. Use \"min\" or \"max\".");
  if (options.checkpoint_name.empty() || options.checkpoint_name.find('/') != std::string::npos)
    throw ValueError("CheckpointManager: checkpoint_name is '" + options.checkpoint_name +
                     "'. Use a name without '/' that is not empty.");
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) throw FileError("'" + directory + "': cannot be made: " + error.message() + ".");
  remove_stale_temporaries(directory);
  state_->read_list();
}

CheckpointManager::~CheckpointManager() {
  try {
    state_->wait();
  } catch (const std::exception& e) {
    std::cerr << "warning: CheckpointManager: the last checkpoint was not saved: " << e.what() << '\n';
  }
}

void CheckpointManager::wait() { state_->wait(); }

std::string CheckpointManager::save(const ManagerSaveOptions& options) {
  State& s = *state_;
  s.wait();
  Kept entry;
  entry.number = options.checkpoint_number.value_or(s.list.empty() ? 1 : s.list.back().number + 1);
  if (entry.number < 0) throw ValueError("CheckpointManager: checkpoint_number is negative. Use 0 or more.");
  entry.time = now();
  for (const auto& [name, value] : options.values)
    if (name == s.options.monitor) entry.value = value;
  if (!s.options.monitor.empty() && !entry.value)
    throw ValueError("CheckpointManager: save() got no value of '" + s.options.monitor +
                     "', which decides what is best. Write save({.values = {{\"" + s.options.monitor +
                     "\", value}}}).");
  s.snapshot = s.checkpoint.state_->snapshot();
  if (!s.options.asynchronous) {
    s.write(s.snapshot, entry);
    s.snapshot = {};
  } else {
    s.writer = std::thread([&s, entry] {
      try {
        s.write(s.snapshot, entry);
      } catch (...) {
        s.error = std::current_exception();
      }
    });
  }
  return s.path_of(entry.number);
}

std::vector<std::string> CheckpointManager::checkpoints() const {
  state_->wait();
  std::vector<std::string> out;
  for (const Kept& k : state_->list) out.push_back(state_->path_of(k.number));
  return out;
}

std::string CheckpointManager::latest_checkpoint() const {
  state_->wait();
  return state_->list.empty() ? std::string() : state_->path_of(state_->list.back().number);
}

std::string CheckpointManager::best_checkpoint() const {
  state_->wait();
  const Kept* best = state_->best();
  return best == nullptr ? std::string() : state_->path_of(best->number);
}

std::string CheckpointManager::restore_or_initialize() {
  const std::vector<std::string> paths = checkpoints();
  for (std::size_t i = paths.size(); i-- > 0;) {
    try {
      state_->checkpoint.restore(paths[i]);
      return paths[i];
    } catch (const FileError& e) {
      if (i == 0) throw;
      std::cerr << "warning: " << e.what() << " The checkpoint before it is taken.\n";
    }
  }
  return {};
}

std::string CheckpointManager::restore_best() {
  const std::string path = best_checkpoint();
  if (path.empty())
    throw ValueError("CheckpointManager: no checkpoint in '" + state_->directory + "' has a value of '" +
                     state_->options.monitor + "'. Give save() its value, and the manager .monitor.");
  state_->checkpoint.restore(path);
  return path;
}

}  // namespace strata
