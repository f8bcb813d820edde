import type { BrowserCapabilities } from '@starling/shared';

/** Why models run on no GPU here, where that is known before anything is measured. @param hasApi whether the browser has WebGPU at all */
export function withoutGpu(gpu: BrowserCapabilities['webgpu'], hasApi: boolean): string | undefined {
  if (!hasApi) return 'this browser has no WebGPU';
  if (gpu === null)
    return 'this browser has WebGPU, but gives no adapter: it finds no graphics hardware that it may use, or it was turned off';
  return gpu.software ? 'its WebGPU computes on the processor, which WebAssembly does faster' : undefined;
}
