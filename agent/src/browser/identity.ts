import { type Capabilities, sha256Hex } from '@starling/shared';
import manifest from '../../package.json' with { type: 'json' };
import type { RuntimeIdentity } from '../core/ports/runtime-identity.ts';

/** The engine of this build, and a key of what runs it: what changes kernels or their speed, and nothing that changes by itself. */
export async function identityOf({ architecture, cpu, gpus, os, runtimeVersions }: Capabilities): Promise<RuntimeIdentity> {
  const key = { architecture, os, cores: cpu.cores, isa: [...cpu.isa].sort(), gpus, browser: runtimeVersions.browser };
  return { runtimeVersion: onnxRuntimeVersion(), hardware: await sha256Hex(new TextEncoder().encode(JSON.stringify(key))) };
}

export function onnxRuntimeVersion(): string {
  return `onnxruntime-web ${manifest.dependencies['onnxruntime-web']}`;
}
