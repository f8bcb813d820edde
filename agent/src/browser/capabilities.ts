import { type BrowserCapabilities, type Capabilities, operatorVersions } from '@starling/shared';
import { browserWords } from './device-name.ts';
import { onnxRuntimeVersion } from './identity.ts';
import { memoryBytes } from './sensors.ts';
import { AGENT_VERSION } from './version.ts';

/** Parts of the browser that its types do not name yet. */
interface UserAgentData {
  brands: { brand: string; version: string }[];
  mobile: boolean;
  platform: string;
}

/** More threads than this wait for each other more than they compute, and take the cores from the page. */
const THREADS_MAXIMUM = 8;
const TEXT_LENGTH = 500;
const GPU_PAUSE_MS = 500;

/** Threads of one model run: all cores where memory can be shared, one where it cannot. */
export function threadsHere(): number {
  return canShareMemory() ? Math.max(1, Math.min(THREADS_MAXIMUM, navigator.hardwareConcurrency)) : 1;
}

export function canShareMemory(): boolean {
  return globalThis.crossOriginIsolated && typeof SharedArrayBuffer !== 'undefined';
}

/** Measures this browser. @param executionProviders what the engine offers, and what really ran */
export async function measureCapabilities(threads: number, executionProviders: Capabilities['executionProviders']): Promise<Capabilities> {
  const { os, ...facts } = describeBrowser();
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  const webgpu = await describeGpu();
  const wasm = { simd: WebAssembly.validate(SIMD_MODULE), relaxedSimd: WebAssembly.validate(RELAXED_SIMD_MODULE), threads };
  const isa = [wasm.simd && 'simd128', canShareMemory() && 'threads', webgpu?.features.includes('shader-f16') && 'shader-f16'];
  const { name, version, mobile } = facts;
  return {
    schemaVersion: 1,
    environment: 'browser',
    os,
    architecture: 'wasm',
    agentVersion: AGENT_VERSION,
    runtimeVersions: { browser: `${name} ${version}`, engine: onnxRuntimeVersion() },
    cpu: {
      ...{ vendor: '', model: '', cores: Math.max(1, navigator.hardwareConcurrency), virtualised: false },
      isa: isa.filter((feature) => typeof feature === 'string'),
    },
    gpus: webgpu === null ? [] : [{ vendor: webgpu.vendor, name: webgpu.architecture || webgpu.device || 'unknown', api: 'webgpu' }],
    executionProviders,
    operatorVersions,
    memory: { totalBytes: memoryBytes(), availableBytes: memoryBytes() },
    disk: { totalBytes: quota, freeBytes: Math.max(0, quota - usage) },
    energySensors: [],
    browser: {
      ...{ name, version, mobile, wasm, webgpu, webnn: 'ml' in navigator },
      secureContext: globalThis.isSecureContext,
      crossOriginIsolated: globalThis.crossOriginIsolated,
      storage: { opfs: true, persisted: await navigator.storage.persisted() },
      key: 'non-extractable',
    },
    userAgent: navigator.userAgent.slice(0, TEXT_LENGTH),
    hostName: browserWords({ name, os, mobile }),
  };
}

/** The smallest modules that need 128-bit vectors, and their relaxed kind: a function that makes one, and drops it. */
const SIMD_MODULE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0],
  ...[10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11],
]);
const RELAXED_SIMD_MODULE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0],
  ...[10, 16, 1, 14, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 26, 11],
]);

type BrowserFacts = Pick<BrowserCapabilities, 'name' | 'version' | 'mobile'> & { os: string };

/** Made-up brands that keep sites from trusting the list, and the engine that stands behind many names. */
const NO_BRAND = /not.?a.?brand|^chromium$/i;

function describeBrowser(): BrowserFacts {
  const { userAgentData } = navigator as { userAgentData?: UserAgentData };
  const { userAgent } = navigator;
  if (userAgentData !== undefined) {
    const { brands, mobile, platform } = userAgentData;
    const brand = brands.find((each) => !NO_BRAND.test(each.brand)) ?? brands.find((each) => /chromium/i.test(each.brand));
    return { name: brand?.brand ?? 'Chromium', version: brand?.version ?? '', mobile, os: platform.toLowerCase() };
  }
  const [, name = 'unknown', version = ''] = /(Firefox)\/([\d.]+)/.exec(userAgent) ?? /(Safari)\/([\d.]+)/.exec(userAgent) ?? [];
  const os = /android|iphone|ipad|mac os|windows|linux/i.exec(userAgent)?.[0].toLowerCase() ?? 'unknown';
  return { name, version, mobile: /mobile/i.test(userAgent), os };
}

/** Adapters that compute on the processor. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render/i;

/** The GPU that this browser lets us use, or null. */
export async function describeGpu(): Promise<BrowserCapabilities['webgpu']> {
  const adapter = await requestAdapter();
  if (adapter == null) return null;
  const { info, features, limits } = adapter;
  const { vendor, architecture, device, description } = info;
  const isFallback = (info as { isFallbackAdapter?: boolean }).isFallbackAdapter ?? false;
  return {
    vendor: vendor.slice(0, TEXT_LENGTH),
    architecture: architecture.slice(0, TEXT_LENGTH),
    device: device.slice(0, TEXT_LENGTH),
    description: description.slice(0, TEXT_LENGTH),
    software: isFallback || SOFTWARE.test(`${vendor} ${architecture} ${device} ${description}`),
    features: [...features].slice(0, 64),
    maximumBufferBytes: limits.maxBufferSize,
  };
}

/** A browser that has only just started says that there is none until its GPU process is up: it is asked once more. */
async function requestAdapter(): Promise<GPUAdapter | null> {
  const ask = async () => (await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)) ?? null;
  const adapter = await ask();
  if (adapter !== null || navigator.gpu === undefined) return adapter;
  await new Promise((resolve) => setTimeout(resolve, GPU_PAUSE_MS));
  return ask();
}
