# Sourced by ./demo, ./check and .ci/run: installs the Debian packages that are missing, and says which and why.
# Nothing happens, and no network is needed, where all of them are there.

# package (or alternatives, joined by |): what it is for
build_packages='
g++: the C++20 compiler
cmake: configures the build
ninja-build: runs the build
ccache: makes the next build fast
libdnnl-dev: oneDNN, the CPU kernels
libhwy-dev: Highway, SIMD for kernels of our own
librandom123-dev: counter-based random numbers
libprotozero-dev: protocol buffers, for the event files of TensorBoard
libhdf5-dev: writes HDF5, for the files of Keras
libarchive-dev: reads data sets and weights in archives
libcurl4-openssl-dev|libcurl4-gnutls-dev|libcurl4-nss-dev: downloads data sets
libjpeg62-turbo-dev|libjpeg-turbo8-dev|libjpeg-dev: reads and writes JPEG pictures
libpng-dev: reads and writes PNG pictures
ca-certificates: knows the servers of data sets
libssl-dev: checks what was downloaded
zlib1g-dev: compression
nlohmann-json3-dev: JSON
libfmt-dev: text formatting
libcli11-dev: command lines of the example programs
libcairo2-dev: draws plots as PNG, SVG and PDF
libpango1.0-dev: the text in plots
fonts-dejavu-core: the font of plots
'
check_packages='
libgtest-dev: GoogleTest, for the tests
python3: the scripts in tools/
git: lists the files that belong to the project
graphviz: draws models, for plot_model
'
fuzz_packages='
clang: the fuzz targets, with its libFuzzer
'
peers_packages='
python3-venv: a place of its own for the Python packages of tests/interop
'

installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# need_packages "$build_packages" ...: installs what is missing of these lists.
need_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is not Debian: please see to it yourself that these are installed (Debian's names):" >&2
    printf '%s\n' "$@" | sed '/^$/d; s/^/  /' >&2
    return
  fi
  local line names name found missing=() reasons=()
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    names=${line%%:*} found=
    for name in ${names//|/ }; do
      if installed "$name"; then found=1; fi
    done
    # A compiler or a tool from elsewhere serves as well.
    case $names in
      clang) if command -v clang++ >/dev/null; then found=1; fi ;;
      g++ | cmake | ccache | git | python3) if command -v "$names" >/dev/null; then found=1; fi ;;
      ninja-build) if command -v ninja >/dev/null; then found=1; fi ;;
    esac
    if [ -z "$found" ]; then
      missing+=("${names%%|*}")
      reasons+=("  ${names%%|*}:${line#*:}")
    fi
  done <<<"$(printf '%s\n' "$@")"
  if [ ${#missing[@]} -eq 0 ]; then return; fi

  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0)
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      printf '%s\n' "Missing packages:" "${reasons[@]}" "Install them as root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    apt=(sudo "${apt[@]}")
  fi
  echo "Installing what is missing (apt-get install ${missing[*]}):"
  printf '%s\n' "${reasons[@]}"
  local log
  log=$(mktemp)
  # The package lists of a fresh machine may be empty or old: fetch them first, and go on where that fails in part.
  "${apt[@]}" update >"$log" 2>&1 </dev/null || true
  if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# build_preset PRESET [-DOPTION=VALUE...] [TARGET...]: configures where needed, then builds two files at a time.
build_preset() {
  local preset=$1 options=()
  shift
  while [[ ${1:-} == -D* ]]; do
    options+=("$1")
    shift
  done
  local log="build/$preset-configure.log"
  mkdir -p build
  if ! cmake --preset "$preset" ${options[@]+"${options[@]}"} >"$log" 2>&1; then
    cat "$log" >&2
    return 1
  fi
  ninja -C "build/$preset" -j2 "$@"
}
