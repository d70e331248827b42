// evaluate_cases CASES.npz: every evaluation of each case, as JSON that scikit-learn's numbers are compared with.
// Arrays: "<case>/y_true", "<case>/y_pred", "<case>/y_score", and "<case>/weight" where there is one. What throws
// ValueError is "error".
#include <strata/evaluation.h>
#include <strata/npy.h>

#include <cmath>
#include <iostream>
#include <map>
#include <sstream>

using namespace strata;
namespace ev = strata::evaluation;

namespace {

std::string json(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "Infinity" : "-Infinity";
  std::ostringstream out;
  out.precision(17);
  out << v;
  return out.str();
}
std::string json(const Tensor& t) {
  if (!t.defined()) return "null";
  std::string out = "[";
  for (double v : t.to_vector<double>()) out += (out.size() > 1 ? ", " : "") + json(v);
  return out + "]";
}
std::string json(const std::string& text) {
  std::string out = "\"";
  for (char c : text) out += c == '\n' ? std::string("\\n") : std::string(1, c);
  return out + "\"";
}

class Results {
 public:
  explicit Results(std::ostream& out) : out_(out) {}
  template <class F>
  void add(const std::string& name, F f) {
    out_ << (first_ ? "" : ",\n") << "  \"" << name << "\": ";
    first_ = false;
    try {
      out_ << json(f());
    } catch (const ValueError&) {
      out_ << "\"error\"";
    }
  }

 private:
  std::ostream& out_;
  bool first_ = true;
};

void evaluate_labels(Results& r, const Tensor& t, const Tensor& p, const Tensor& w) {
  r.add("accuracy", [&] { return ev::accuracy_score(t, p, {.sample_weight = w}); });
  r.add("accuracy/count", [&] { return ev::accuracy_score(t, p, {.normalize = false, .sample_weight = w}); });
  for (const char* how : {"", "true", "pred", "all"})
    r.add(std::string("confusion/") + how,
          [&] { return ev::confusion_matrix(t, p, {.sample_weight = w, .normalize = how}); });
  r.add("confusion/labels", [&] { return ev::confusion_matrix(t, p, {.labels = {2, 0}, .sample_weight = w}); });
  for (const char* average : {"", "binary", "micro", "macro", "weighted", "samples"})
    for (double zero : {0.0, 1.0, std::nan("")})
      for (double beta : {1.0, 0.5, 2.0}) {
        const std::string name =
            std::string("prf/") + average + "/" + json(zero) + "/" + (beta == 0.5 ? "0.5" : json(beta));
        const auto get = [&] {
          return ev::precision_recall_fscore_support(
              t, p, {.beta = beta, .average = average, .sample_weight = w, .zero_division = zero});
        };
        r.add(name + "/p", [&] { return get().precision; });
        r.add(name + "/r", [&] { return get().recall; });
        r.add(name + "/f", [&] { return get().fscore; });
        r.add(name + "/s", [&] { return get().support; });
      }
  for (int digits : {2, 4})
    r.add("report/" + std::to_string(digits),
          [&] { return ev::classification_report(t, p, {.sample_weight = w, .digits = digits}).to_string(); });
  r.add("report/labels", [&] {
    return ev::classification_report(t, p, {.labels = {0, 1}, .sample_weight = w}).to_string();
  });
  for (const char* weights : {"", "linear", "quadratic"})
    r.add(std::string("kappa/") + weights,
          [&] { return ev::cohen_kappa_score(t, p, {.weights = weights, .sample_weight = w}); });
  r.add("mcc", [&] { return ev::matthews_corrcoef(t, p, w); });
  r.add("binarized", [&] { return ev::LabelBinarizer({-1, 2}).fit(t).transform(p); });
  r.add("binarized/back", [&] {
    ev::LabelBinarizer binarizer;
    return binarizer.inverse_transform(binarizer.fit_transform(t));
  });
}

void evaluate_scores(Results& r, const Tensor& t, const Tensor& s, const Tensor& w) {
  for (const char* kind : {"ovr", "ovo"})
    for (const char* average : {"macro", "micro", "weighted", "samples"})
      r.add(std::string("auc/") + kind + "/" + average,
            [&] { return ev::roc_auc_score(t, s, {.average = average, .sample_weight = w, .multi_class = kind}); });
  r.add("auc/none", [&] { return ev::roc_auc_scores(t, s, {.sample_weight = w}); });
  r.add("auc/partial", [&] { return ev::roc_auc_score(t, s, {.sample_weight = w, .max_fpr = 0.3}); });
  for (const char* average : {"macro", "micro", "weighted", "samples"})
    r.add(std::string("ap/") + average,
          [&] { return ev::average_precision_score(t, s, {.average = average, .sample_weight = w}); });
  for (bool drop : {false, true}) {
    const std::string suffix = drop ? "/drop" : "/all";
    const ev::CurveOptions options{.sample_weight = w, .drop_intermediate = drop};
    r.add("roc/fpr" + suffix, [&] { return ev::roc_curve(t, s, options).fpr; });
    r.add("roc/tpr" + suffix, [&] { return ev::roc_curve(t, s, options).tpr; });
    r.add("roc/thresholds" + suffix, [&] { return ev::roc_curve(t, s, options).thresholds; });
    r.add("pr/precision" + suffix, [&] { return ev::precision_recall_curve(t, s, options).precision; });
    r.add("pr/recall" + suffix, [&] { return ev::precision_recall_curve(t, s, options).recall; });
    r.add("pr/thresholds" + suffix, [&] { return ev::precision_recall_curve(t, s, options).thresholds; });
  }
  r.add("log_loss", [&] { return ev::log_loss(t, s, {.sample_weight = w}); });
  r.add("log_loss/sum", [&] { return ev::log_loss(t, s, {.normalize = false, .sample_weight = w}); });
  r.add("log_loss/labels", [&] { return ev::log_loss(t, s, {.sample_weight = w, .labels = {0, 1, 2, 3}}); });
  for (int k : {1, 2, 3})
    r.add("top/" + std::to_string(k), [&] { return ev::top_k_accuracy_score(t, s, {.k = k, .sample_weight = w}); });
  for (const char* strategy : {"uniform", "quantile"}) {
    const auto get = [&] { return ev::calibration_curve(t, s, {.n_bins = 7, .strategy = strategy}); };
    r.add(std::string("calibration/true/") + strategy, [&] { return get().prob_true; });
    r.add(std::string("calibration/pred/") + strategy, [&] { return get().prob_pred; });
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: evaluate_cases CASES.npz\n";
    return 2;
  }
  std::map<std::string, std::map<std::string, Tensor>> cases;
  for (const auto& [name, tensor] : load_npz(argv[1])) {
    const std::size_t slash = name.find('/');
    cases[name.substr(0, slash)][name.substr(slash + 1)] = tensor;
  }
  std::cout << "{";
  bool first = true;
  for (auto& [name, arrays] : cases) {
    std::cout << (first ? "\n" : ",\n") << '"' << name << "\": {\n";
    first = false;
    Results results(std::cout);
    evaluate_labels(results, arrays["y_true"], arrays["y_pred"], arrays["weight"]);
    evaluate_scores(results, arrays["y_true"], arrays["y_score"], arrays["weight"]);
    std::cout << "\n}";
  }
  std::cout << "\n}\n";
}
