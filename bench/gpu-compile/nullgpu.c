// A Vulkan driver that passes everything on to Mesa's RADV but the recording and execution of commands.
//
// With RADV_FORCE_FAMILY set, RADV opens a device of "null hardware": shaders are compiled for that family, but there
// are no command buffers, and a WebGPU implementation that clears its first buffer would crash. Here each such call
// succeeds and does nothing, so devices and pipelines can be created; what is read back means nothing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Function)(void);
typedef Function (*Lookup)(void *object, const char *name);

static void *radv;
static Lookup radv_instance_lookup;
static Lookup radv_device_lookup;

static const char *const IDLE_CALLS[] = {
  "vkBeginCommandBuffer", "vkEndCommandBuffer", "vkResetCommandBuffer", "vkResetCommandPool",
  "vkQueueSubmit", "vkQueueSubmit2", "vkQueueSubmit2KHR", "vkQueueBindSparse",
  "vkQueueWaitIdle", "vkDeviceWaitIdle",
  "vkGetFenceStatus", "vkWaitForFences", "vkResetFences", "vkWaitSemaphores", "vkWaitSemaphoresKHR",
};

// VK_SUCCESS where a result is wanted; callers of void functions do not look.
static int64_t succeed(void) { return 0; }

static int is_idle_call(const char *name) {
  if (strncmp(name, "vkCmd", 5) == 0) return 1;
  for (size_t i = 0; i < sizeof IDLE_CALLS / sizeof *IDLE_CALLS; i++)
    if (strcmp(name, IDLE_CALLS[i]) == 0) return 1;
  return 0;
}

static Function device_lookup(void *device, const char *name) {
  Function real = radv_device_lookup(device, name);
  // A function that RADV lacks must stay missing, or an extension would seem to be there.
  if (!real) return NULL;
  if (strcmp(name, "vkGetDeviceProcAddr") == 0) return (Function)device_lookup;
  return is_idle_call(name) ? (Function)succeed : real;
}

static Function instance_lookup(void *instance, const char *name) {
  Function real = radv_instance_lookup(instance, name);
  if (!real) return NULL;
  if (strcmp(name, "vkGetInstanceProcAddr") == 0) return (Function)instance_lookup;
  if (strcmp(name, "vkGetDeviceProcAddr") == 0) {
    radv_device_lookup = (Lookup)real;
    return (Function)device_lookup;
  }
  return is_idle_call(name) ? (Function)succeed : real;
}

static void open_radv(void) {
  if (radv) return;
  radv = dlopen("libvulkan_radeon.so", RTLD_NOW | RTLD_LOCAL);
  if (!radv) {
    fprintf(stderr, "nullgpu: %s\n", dlerror());
    exit(2);
  }
  radv_instance_lookup = (Lookup)dlsym(radv, "vk_icdGetInstanceProcAddr");
}

#define EXPORT __attribute__((visibility("default")))

EXPORT int vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  open_radv();
  int (*negotiate)(uint32_t *) = (int (*)(uint32_t *))dlsym(radv, "vk_icdNegotiateLoaderICDInterfaceVersion");
  int result = negotiate(version);
  // From version 7 on a loader may look further functions up that we do not export.
  if (*version > 5) *version = 5;
  return result;
}

EXPORT Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
  open_radv();
  return instance_lookup(instance, name);
}

EXPORT Function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
  open_radv();
  Lookup lookup = (Lookup)dlsym(radv, "vk_icdGetPhysicalDeviceProcAddr");
  return lookup ? lookup(instance, name) : NULL;
}
