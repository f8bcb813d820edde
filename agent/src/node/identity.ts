import { createHash } from 'node:crypto';
import type { Capabilities } from '@starling/shared';
import { env } from 'onnxruntime-node';
import type { RuntimeIdentity } from '../core/ports/runtime-identity.ts';

/** The engine of this build, and a key of the hardware: what changes kernels or their speed, and nothing that changes by itself. */
export function identityOf({ architecture, cpu, deviceTree, gpus, os }: Capabilities, engine: string): RuntimeIdentity {
  const { vendor, model, cores, isa } = cpu;
  const key = { architecture, os, vendor, model, cores, isa: [...isa].sort(), board: deviceTree?.compatible ?? [], gpus };
  return { runtimeVersion: engine, hardware: createHash('sha256').update(JSON.stringify(key)).digest('hex') };
}

export function onnxRuntimeVersion(): string {
  return `onnxruntime-node ${env.versions.node ?? env.versions.common}`;
}
