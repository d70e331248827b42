// Optimizers whose updates look at a whole weight: Lamb, Adafactor and Muon, written with public ops.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <regex>

#include "optimizers/options.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata::optimizers {

namespace {

// The weight after its decay.
Tensor decayed(const Variable& v, double weight_decay, const Tensor& rate) {
  const Tensor w = v.read();
  return weight_decay == 0 ? w : w - w * weight_decay * rate;
}

// beta^step
Tensor power(double beta, const Tensor& step) { return pow(constant(beta, step.dtype()), step); }

class LambState final : public OptimizerState {
 public:
  explicit LambState(const LambOptions& o) : OptimizerState("Lamb", "lamb", common_options(o)), own_(o) {
    check_fraction("Lamb", "beta_1", o.beta_1);
    check_fraction("Lamb", "beta_2", o.beta_2);
  }

 private:
  void make_slots(const std::vector<Variable>& variables) override {
    slots_ = add_slots(variables, {"momentum", "velocity"});
  }
  void update(const Variable& v, std::size_t index, const Step& s) const override {
    const DType dtype = v.dtype();
    const Tensor rate = cast(s.learning_rate, dtype), step = cast(s.steps_before + 1, dtype), g = s.gradient;
    const Variable &m = slots_[0][index], &second = slots_[1][index];
    const Tensor w = decayed(v, s.weight_decay, rate);
    const Tensor new_m = m.read() + (g - m.read()) * (1 - own_.beta_1);
    const Tensor new_second = second.read() + (s.squares() - second.read()) * (1 - own_.beta_2);
    const Tensor change =
        new_m / (1.0 - power(own_.beta_1, step)) / (sqrt(new_second / (1.0 - power(own_.beta_2, step))) + own_.epsilon);
    const Tensor w_norm = sqrt(reduce_sum(square(w))), norm = sqrt(reduce_sum(square(change)));
    const Tensor one = constant(1.0, dtype);
    const Tensor ratio =
        strata::where(greater(w_norm, 0.0), strata::where(greater(norm, 0.0), w_norm / norm, one), one);
    assign_when(s.due, m, new_m);
    assign_when(s.due, second, new_second);
    assign_when(s.due, v, w - ratio * rate * change);
  }
  void add_config(Config& c) const override { write_own(own_, c); }
  LambOptions own_;
  std::vector<std::vector<Variable>> slots_;
};

class AdafactorState final : public OptimizerState {
 public:
  explicit AdafactorState(const AdafactorOptions& o)
      : OptimizerState("Adafactor", "adafactor", common_options(o)), own_(o) {}

 private:
  void make_slots(const std::vector<Variable>& variables) override {
    for (const Variable& v : variables) {
      const Shape& s = v.shape();
      Shape rows, columns;  // of vectors, which are not factored, a scalar that is not used
      if (s.size() >= 2) {
        for (std::size_t i = 0; i < s.size(); ++i) {
          if (i + 1 < s.size()) rows.push_back(s[i]);
          if (i + 2 != s.size()) columns.push_back(s[i]);
        }
      }
      rows_.push_back(add_slot(zeros(rows, v.dtype()), v.name()));
      columns_.push_back(add_slot(zeros(columns, v.dtype()), v.name()));
      velocities_.push_back(add_slot(zeros(s, v.dtype()), slot_name(v, "velocity")));
    }
  }
  static Tensor rms(const Tensor& x) { return sqrt(reduce_mean(square(x))); }
  void update(const Variable& v, std::size_t index, const Step& s) const override {
    const DType dtype = v.dtype();
    const Tensor given = cast(s.learning_rate, dtype), step = cast(s.steps_before + 1, dtype), g = s.gradient;
    const Tensor root = 1.0 / sqrt(step);
    const Tensor rate = own_.relative_step ? minimum(given, root) : given;
    const Tensor w = decayed(v, s.weight_decay, given);
    const Tensor alpha = maximum(constant(own_.epsilon_2, dtype), rms(w)) * minimum(rate, root);
    const Tensor squares = s.squares() + own_.epsilon_1;
    const Tensor beta = 1.0 - pow(step, constant(own_.beta_2_decay, dtype)), rest = 1.0 - beta;
    Tensor velocity;
    if (v.shape().size() >= 2) {
      const Tensor r = beta * rows_[index].read() + rest * reduce_mean(squares, -1);
      const Tensor c = beta * columns_[index].read() + rest * reduce_mean(squares, -2);
      assign_when(s.due, rows_[index], r);
      assign_when(s.due, columns_[index], c);
      velocity = expand_dims(r / reduce_mean(r, -1, {.keepdims = true}), -1) * expand_dims(c, -2);
    } else {
      velocity = beta * velocities_[index].read() + rest * squares;
    }
    assign_when(s.due, velocities_[index], velocity);
    const Tensor change = g / sqrt(velocity);
    const Tensor size = sqrt(reduce_mean(s.squares() / velocity));
    const Tensor clipped = change / maximum(constant(1.0, dtype), size / own_.clip_threshold);
    assign_when(s.due, v, w - alpha * clipped);
  }
  void add_config(Config& c) const override { write_own(own_, c); }
  AdafactorOptions own_;
  Variables rows_, columns_, velocities_;
};

class MuonState final : public OptimizerState {
 public:
  explicit MuonState(const MuonOptions& o) : OptimizerState("Muon", "muon", common_options(o)), own_(o) {
    for (const std::string& pattern : o.exclude_layers) {
      try {
        excluded_.emplace_back(pattern);
      } catch (const std::regex_error& e) {
        throw ValueError("Muon: exclude_layers has '" + pattern + "', which is no regular expression: " + e.what());
      }
    }
  }

 private:
  bool is_for_adam(const Variable& v) const {
    if (v.shape().size() != 2) return true;
    std::string path = v.path();
    for (const std::regex& pattern : excluded_)
      if (std::regex_search(path, pattern)) return true;
    std::transform(path.begin(), path.end(), path.begin(), [](unsigned char c) { return std::tolower(c); });
    return own_.exclude_embeddings && path.find("embedding") != std::string::npos;
  }
  void make_slots(const std::vector<Variable>& variables) override {
    for (const Variable& v : variables) {
      momentums_.push_back(add_slots({v}, {"momentum"})[0][0]);
      velocities_.push_back(is_for_adam(v) ? add_slots({v}, {"velocity"})[0][0] : Variable());
    }
  }
  double weight_decay_for(const Variable& v) const override {
    return is_for_adam(v) ? own_.adam_weight_decay : own_.weight_decay.value_or(0);
  }
  void update(const Variable& v, std::size_t index, const Step& s) const override {
    if (velocities_[index].state())
      adam(v, index, s);
    else
      muon(v, index, s);
  }
  void adam(const Variable& v, std::size_t index, const Step& s) const {
    const DType dtype = v.dtype();
    const Tensor rate = cast(s.learning_rate, dtype), step = cast(s.steps_before + 1, dtype), g = s.gradient;
    const Variable &m = momentums_[index], &second = velocities_[index];
    const Tensor alpha =
        rate * own_.adam_lr_ratio * sqrt(1.0 - power(own_.adam_beta_2, step)) / (1.0 - power(own_.adam_beta_1, step));
    const Tensor new_m = m.read() + (g - m.read()) * (1 - own_.adam_beta_1);
    const Tensor new_second = second.read() + (s.squares() - second.read()) * (1 - own_.adam_beta_2);
    assign_when(s.due, m, new_m);
    assign_when(s.due, second, new_second);
    assign_when(s.due, v, decayed(v, s.weight_decay, rate) - new_m * alpha / (sqrt(new_second) + own_.epsilon));
  }
  void muon(const Variable& v, std::size_t index, const Step& s) const {
    const Tensor rate = cast(s.learning_rate, v.dtype()), g = s.gradient;
    const Tensor m = momentums_[index].read() + (g + momentums_[index].read() * (own_.momentum - 1));
    const auto longest = static_cast<double>(std::max(v.shape()[0], v.shape()[1]));
    const double scale = own_.rms_rate ? std::sqrt(longest) * *own_.rms_rate : 1.0;
    const Tensor change = rate * orthogonalized(own_.nesterov ? g + own_.momentum * m : m) * scale;
    assign_when(s.due, momentums_[index], m);
    assign_when(s.due, v, decayed(v, s.weight_decay, rate) - change);
  }
  // About U V^T of the singular value decomposition, by a Newton-Schulz iteration of fifth order.
  Tensor orthogonalized(Tensor x) const {
    const bool is_tall = x.shape()[0] > x.shape()[1];
    if (is_tall) x = transpose(x);
    x = x / (sqrt(reduce_sum(square(x))) + 1e-7);
    for (int i = 0; i < own_.ns_steps; ++i) {
      const Tensor a = matmul(x, transpose(x));
      const Tensor b = own_.muon_b * a + matmul(own_.muon_c * a, a);
      x = own_.muon_a * x + matmul(b, x);
    }
    return is_tall ? transpose(x) : x;
  }
  void add_config(Config& c) const override { write_own(own_, c); }
  MuonOptions own_;
  std::vector<std::regex> excluded_;
  Variables momentums_, velocities_;
};

}  // namespace

StateHandle make_state(const LambOptions& o) { return std::make_shared<LambState>(o); }
StateHandle make_state(const AdafactorOptions& o) { return std::make_shared<AdafactorState>(o); }
StateHandle make_state(const MuonOptions& o) { return std::make_shared<MuonState>(o); }

}  // namespace strata::optimizers
