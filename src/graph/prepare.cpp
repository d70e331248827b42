#include "graph/prepare.h"

namespace strata {

PreparedOp::~PreparedOp() = default;
Preparable::~Preparable() = default;
std::unique_ptr<PreparedOp> Preparable::prepare(const PrepareContext&) const { return nullptr; }
bool Preparable::runs_in_place(std::size_t) const { return false; }
bool Preparable::is_elementwise() const { return false; }
bool Preparable::reads_slice(const PrepareContext&, std::size_t) const { return false; }
bool Preparable::writes_slice(const PrepareContext&, std::size_t) const { return false; }

}  // namespace strata
