/// \file
/// Classes and functions of one's own by the names under which files keep them.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "strata/activations.h"
#include "strata/constraints.h"
#include "strata/initializers.h"
#include "strata/layer.h"
#include "strata/loss.h"
#include "strata/metric.h"
#include "strata/regularizers.h"
#include "strata/schedules.h"

namespace strata {

/// One name in one role, and what makes the object from its configuration.
struct CustomObject {
  std::string name, role;
  /// Gives what the handle of the role shares; for layers, the layer itself.
  std::shared_ptr<const void> (*make)(const CustomObject& self, const Config& config) = nullptr;
  std::shared_ptr<const void> function = {};     ///< of a callable
  std::vector<std::string> call_arguments = {};  ///< of a layer whose call takes several
};

namespace detail {

template <class T>
T from_config_or_default(const Config& config) {
  if constexpr (requires {
                  { T::from_config(config) } -> std::convertible_to<T>;
                })
    return T::from_config(config);
  else {
    static_assert(std::default_initializable<T>,
                  "a class whose constructor takes arguments needs `static T from_config(const Config&)`");
    return T();
  }
}

template <class T>
std::vector<std::string> call_arguments_of() {
  std::vector<std::string> out;
  if constexpr (requires { T::call_arguments.size(); })
    for (const auto& name : T::call_arguments) out.emplace_back(name);
  return out;
}

}  // namespace detail

/// Names of classes and functions, given where a file is loaded:
///
///     auto custom = custom_objects().add<ScaledDense>("ScaledDense").add("mean_cubed", mean_cubed);
///     Model model = load_model("whole.keras", {.custom_objects = custom});
class STRATA_API CustomObjects {
 public:
  /// A class: a layer, model, loss, metric, or a Base of initializers, regularizers, constraints or schedules. It is
  /// made by its `static from_config(const Config&)`, or by default construction where it has none.
  template <class T>
  CustomObjects& add(const std::string& name) {
    using Made = std::shared_ptr<const void>;
    if constexpr (std::derived_from<T, Layer>)
      return add({name, "layer",
                  [](const CustomObject&, const Config& c) -> Made {
                    return std::make_shared<Layer>(detail::from_config_or_default<T>(c));
                  },
                  nullptr, detail::call_arguments_of<T>()});
    else if constexpr (std::derived_from<T, losses::Loss>)
      return add({name, "loss", [](const CustomObject&, const Config& c) -> Made {
                    return losses::Loss(detail::from_config_or_default<T>(c)).impl();
                  }});
    else if constexpr (std::derived_from<T, metrics::Metric>)
      return add({name, "metric", [](const CustomObject&, const Config& c) -> Made {
                    return metrics::Metric(detail::from_config_or_default<T>(c)).impl();
                  }});
    else
      return add({name, role_of_base<T>(), [](const CustomObject&, const Config& c) -> Made {
                    return std::make_shared<T>(detail::from_config_or_default<T>(c));
                  }});
  }
  /// A callable on (y_true, y_pred), as a loss or a metric, or on one tensor, as a schedule.
  template <class F>
  CustomObjects& add(const std::string& name, const F& function) {
    using Made = std::shared_ptr<const void>;
    const auto kept = std::make_shared<const F>(function);
    if constexpr (std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&>) {
      add({name, "loss",
           [](const CustomObject& self, const Config&) -> Made {
             return losses::custom(*static_cast<const F*>(self.function.get()), self.name).impl();
           },
           kept});
      return add({name, "metric",
                  [](const CustomObject& self, const Config&) -> Made {
                    return metrics::custom(*static_cast<const F*>(self.function.get()), self.name).impl();
                  },
                  kept});
    } else {
      static_assert(std::is_invocable_r_v<Tensor, const F&, const Tensor&>,
                    "a custom function takes (y_true, y_pred), or one tensor");
      return add({name, "schedule",
                  [](const CustomObject& self, const Config&) -> Made {
                    return optimizers::schedules::Schedule(*static_cast<const F*>(self.function.get()))
                        .to_config_value()
                        .handle();
                  },
                  kept});
    }
  }
  CustomObjects& add(const CustomObject& object);
  const std::vector<CustomObject>& entries() const { return entries_; }

 private:
  template <class T>
  static const char* role_of_base() {
    if constexpr (std::derived_from<T, Initializer::Base>)
      return "initializer";
    else if constexpr (std::derived_from<T, Regularizer::Base>)
      return "regularizer";
    else if constexpr (std::derived_from<T, Constraint::Base>)
      return "constraint";
    else {
      static_assert(std::derived_from<T, optimizers::schedules::Schedule::Base>,
                    "a custom object is a layer, loss, metric, initializer, regularizer, constraint or schedule");
      return "schedule";
    }
  }
  std::vector<CustomObject> entries_;
};

/// An empty list, to add to.
inline CustomObjects custom_objects() { return {}; }

/// While it lives, names are looked up in these first, in this thread.
class STRATA_API CustomObjectScope {
 public:
  explicit CustomObjectScope(const CustomObjects& objects);
  ~CustomObjectScope();
  CustomObjectScope(const CustomObjectScope&) = delete;
  CustomObjectScope& operator=(const CustomObjectScope&) = delete;
};

namespace detail {
STRATA_API void register_custom_object(const CustomObjects& objects);
}

/// Makes a class known to every load of this process, as "package>Name", which is what Keras's decorator of this name
/// does. Files that name the class alone find it, too.
template <class T>
void register_keras_serializable(const std::string& package = "Custom", const std::string& name = "") {
  const std::string own = name.empty() ? detail::class_name_of<T>() : name;
  detail::register_custom_object(CustomObjects().add<T>(package + ">" + own));
}

}  // namespace strata
