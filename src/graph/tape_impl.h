// What a GradientTape keeps, and the thread's stack of open tapes.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/op.h"
#include "graph/variable.h"
#include "strata/tape.h"

namespace strata::detail {

class TapeImpl {
 public:
  explicit TapeImpl(TapeOptions options);
  ~TapeImpl();

  void watch(const Tensor& tensor);
  // Called when `variable` is read as `value`.
  void read(const std::shared_ptr<VariableState>& variable, const Tensor& value, bool explicitly);
  void record(const OpPtr& op, const Tensors& inputs, const Tensors& outputs);
  // What a tape that is not persistent keeps goes with the last call, behind which no more follow.
  Tensors gradient(const Tensors& targets, const std::vector<Source>& sources, const GradientOptions& options,
                   bool more_follow = false);
  // A variable was read as float16: its gradient needs a scaled loss.
  void needs_loss_scale() { needs_loss_scale_ = true; }
  bool scales_loss() const { return needs_loss_scale_; }
  void keep_loss_as_it_is() { needs_loss_scale_ = false; }
  void reset();
  std::size_t bytes() const;
  std::vector<Variable> watched_variables() const;
  bool recording() const { return recording_; }

 private:
  struct Record {
    OpPtr op;
    Tensors inputs, outputs;
  };
  struct Read {
    std::shared_ptr<VariableState> variable;
    Tensors values;
  };
  using Keys = std::unordered_set<const TensorData*>;
  using Grads = std::unordered_map<const TensorData*, Tensor>;

  Keys keys_of(const std::vector<Source>& sources) const;
  std::vector<bool> reachable_records(Keys reached) const;
  void backward(Grads& grads, const std::vector<bool>& reachable, const Keys& kept) const;
  void backward_record(const Record& record, Grads& grads, const Keys& reached, const Keys& kept) const;
  Tensor gradient_of(const Source& source, const Grads& grads) const;
  std::string explain_unconnected(const Source& source) const;

  TapeOptions options_;
  bool recording_ = true, used_ = false, needs_loss_scale_ = false;
  Keys tracked_;
  Tensors watched_;  // kept alive, so that their addresses stay theirs
  std::vector<Read> reads_;
  std::unordered_map<const VariableState*, std::size_t> read_index_;
  std::vector<Record> records_;
  std::vector<std::string> blocked_;  // ops without gradient that took a tracked tensor
};

// While it lives, the tapes that are open now see nothing, and tapes opened meanwhile are the only ones.
class TapesAside {
 public:
  TapesAside();
  ~TapesAside();
  TapesAside(const TapesAside&) = delete;
  TapesAside& operator=(const TapesAside&) = delete;

 private:
  std::vector<TapeImpl*> aside_;
};

// Whether any tape of this thread records now.
bool any_tape_records();
void record_on_tapes(const OpPtr& op, const Tensors& inputs, const Tensors& outputs);
void read_on_tapes(const std::shared_ptr<VariableState>& variable, const Tensor& value);
void float16_on_tapes();

}  // namespace strata::detail
