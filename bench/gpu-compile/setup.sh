#!/usr/bin/env bash
# setup.sh FOLDER: unpacks Mesa 25 from Debian 12's backports and Intel's compiler from Debian 12 into FOLDER and builds the null-GPU
# driver beside them.
# The system is left as it is. Manifests for a Vulkan loader (VK_ICD_FILENAMES):
#   FOLDER/nullgpu.json    RADV without a GPU: compiles for RADV_FORCE_FAMILY, executes nothing
#   FOLDER/lavapipe.json   Mesa's software driver
# FOLDER/intel/usr/bin/ocloc compiles OpenCL C for Intel's GPUs.
# Both need FOLDER/lib in LD_LIBRARY_PATH. Wants apt, dpkg, gcc, and the libraries of libllvm15 and libelf1.
set -euo pipefail

sources=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch)

# The mirror that the system uses, else Debian's own.
mirror=$(grep -hoE 'https?://[^ ]+/debian( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1 | tr -d ' ' || true)
mirror=${mirror:-http://deb.debian.org/debian}

# An apt of its own: lists and cache below the folder, no lock of the system's.
mkdir -p "$folder"/apt/{lists,cache/archives}/partial "$folder"/debs/intel "$folder"/mesa "$folder"/intel
for suite in bookworm-backports bookworm; do
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
done >"$folder/apt/sources.list"
apt_options=(
  -o "Dir::Etc::SourceList=$folder/apt/sources.list" -o Dir::Etc::SourceParts=-
  -o "Dir::State::Lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt/cache"
  -o Debug::NoLocking=1 -o "APT::Sandbox::User=$(id -un)"
)
apt-get "${apt_options[@]}" -qq update
packages=(mesa-vulkan-drivers libdrm-common libdrm2 libdrm-amdgpu1)
(cd "$folder/debs" && apt-get "${apt_options[@]}" -qq download "${packages[@]/%//bookworm-backports}")
for package in "$folder"/debs/*.deb; do dpkg -x "$package" "$folder/mesa"; done

intel=(intel-opencl-icd libigc1 libigdfcl1 libigdgmm12 libllvmspirvlib14 libopencl-clang14 libllvm14 libclang-cpp14 ocl-icd-libopencl1)
(cd "$folder/debs/intel" && apt-get "${apt_options[@]}" -qq download "${intel[@]}")
for package in "$folder"/debs/intel/*.deb; do dpkg -x "$package" "$folder/intel"; done

ln -sfn "mesa/usr/lib/$triplet" "$folder/lib"

gcc -O1 -shared -fPIC -fvisibility=hidden -o "$folder/libvulkan_nullgpu.so" "$sources/nullgpu.c" -ldl
manifest() {
  printf '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.4.305"}}\n' "$2" >"$folder/$1.json"
}
manifest lavapipe "$folder/lib/libvulkan_lvp.so"

missing=$(LD_LIBRARY_PATH="$folder/intel/usr/lib/$triplet" ldd "$folder/intel/usr/bin/ocloc" "$folder/intel/usr/lib/$triplet"/libigc.so.1 | grep 'not found' || true)
if [ -n "$missing" ]; then
  echo "libraries of Intel's compiler are missing:" >&2
  echo "$missing" >&2
  exit 1
fi
missing=$(LD_LIBRARY_PATH="$folder/lib" ldd "$folder"/lib/libvulkan_{radeon,lvp}.so | grep 'not found' || true)
if [ -n "$missing" ]; then
  echo "libraries are missing (Debian: apt-get install libllvm15 libelf1 libxcb-randr0 libwayland-client0):" >&2
  echo "$missing" >&2
  exit 1
fi
# Last: its presence says that the folder is complete.
manifest nullgpu "$folder/libvulkan_nullgpu.so"
