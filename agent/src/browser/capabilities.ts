import { type Capabilities, operatorVersions } from '@starling/shared';
import { onnxRuntimeVersion } from './identity.ts';
import { memoryBytes } from './sensors.ts';
import { AGENT_VERSION } from './version.ts';

/** Parts of the browser that its types do not name yet. */
interface UserAgentData {
  brands: { brand: string; version: string }[];
  mobile: boolean;
  platform: string;
}

/** What one probe found out about an execution provider. */
export type ProviderProbe = Capabilities['executionProviders'][number];

/** Cores of this device that may run threads of one model; 1 where memory cannot be shared. */
export function threadsHere(): number {
  return canShareMemory() ? Math.max(1, Math.min(THREADS_MAXIMUM, navigator.hardwareConcurrency)) : 1;
}

/** More threads than this wait for each other more than they compute, and take the cores from the page. */
const THREADS_MAXIMUM = 8;

export function canShareMemory(): boolean {
  return globalThis.crossOriginIsolated && typeof SharedArrayBuffer !== 'undefined';
}

/** Measures this browser. @param executionProviders what the engine offers, and what really ran */
export async function measureCapabilities(executionProviders: ProviderProbe[]): Promise<Capabilities> {
  const { name, version, mobile, os } = describeBrowser();
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  const gpu = await describeGpu();
  const simd = WebAssembly.validate(SIMD_MODULE);
  return {
    schemaVersion: 1,
    environment: 'browser',
    os,
    architecture: 'wasm',
    agentVersion: AGENT_VERSION,
    runtimeVersions: { browser: `${name} ${version}`, engine: onnxRuntimeVersion() },
    cpu: {
      vendor: '',
      model: '',
      cores: Math.max(1, navigator.hardwareConcurrency),
      isa: [...(simd ? ['simd128'] : []), ...(canShareMemory() ? ['threads'] : []), ...(gpu?.halfPrecision === true ? ['shader-f16'] : [])],
      virtualised: false,
    },
    gpus: gpu === undefined ? [] : [{ vendor: gpu.vendor, name: gpu.name, api: 'webgpu' }],
    executionProviders,
    operatorVersions,
    memory: { totalBytes: memoryBytes(), availableBytes: memoryBytes() },
    disk: { totalBytes: quota, freeBytes: Math.max(0, quota - usage) },
    energySensors: [],
    userAgent: navigator.userAgent.slice(0, 500),
    hostName: `${name} on ${os}${mobile ? ' (phone)' : ''}`,
  };
}

/** The smallest module that needs 128-bit vectors: a function that makes one, and drops it. */
const SIMD_MODULE = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11]);

interface BrowserFacts {
  name: string;
  version: string;
  mobile: boolean;
  os: string;
}

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

interface GpuFacts {
  vendor: string;
  name: string;
  halfPrecision: boolean;
}

async function describeGpu(): Promise<GpuFacts | undefined> {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (adapter == null) return undefined;
  const { vendor, architecture, device, description } = adapter.info;
  return {
    vendor: vendor.slice(0, 500),
    name: [architecture, device, description].find((text) => text !== '')?.slice(0, 500) ?? 'unknown',
    halfPrecision: adapter.features.has('shader-f16'),
  };
}
