import type { ArtefactView, Capabilities, DeviceProfile, Objective } from '@starling/shared';

export type ChoiceProfile = Pick<
  DeviceProfile,
  'name' | 'title' | 'executionProviders' | 'acceleratedPrecisions' | 'memoryBudgetBytes' | 'powerModel' | 'pricePerHourUsd'
>;
export type ChoiceCapabilities = Pick<Capabilities, 'architecture' | 'cpu' | 'executionProviders' | 'runtimeVersions'>;

/** Without an evaluation set an artefact that differs more than this from its source on golden inputs is not chosen by itself. */
export const ERROR_BUDGET = 0.35;
/** Where samples were run without labels, outputs must agree this well: noise of a tenth of the signal. */
export const SIMILARITY_DB_MINIMUM = 20;

/**
 * By how much an artefact whose accuracy nobody measured is too far from its source; 0 if it is near enough. Where nothing may be lost,
 * none is near enough but one that computes as its source does.
 */
export function unprovenExcess(
  { report, precision }: ArtefactView,
  { accuracyLossPointsMaximum }: Pick<Objective, 'accuracyLossPointsMaximum'>,
): number {
  if (precision === 'fp32') return 0;
  if (accuracyLossPointsMaximum === 0) return 1 + report.maximumError;
  if (report.similarityDb !== undefined) return Math.max(0, 1 - report.similarityDb / SIMILARITY_DB_MINIMUM);
  return Math.max(0, report.maximumError / ERROR_BUDGET - 1);
}

/**
 * Newest opset of the default domain by minor version of ONNX Runtime 1.x, from its table of compatibility
 * (onnxruntime.ai/docs/reference/compatibility); the last row was tried. Versions between rows run at least what the row before does.
 */
const OPSETS: readonly (readonly [minor: number, opset: number])[] = [
  [14, 18],
  [15, 19],
  [17, 20],
  [18, 21],
  [21, 22],
  [22, 23],
  [30, 26],
];

/** Execution providers that the device offers and that really ran there, in the profile's order. */
export function usableProviders(
  profile: Pick<ChoiceProfile, 'executionProviders'>,
  capabilities: Pick<ChoiceCapabilities, 'executionProviders'>,
  requiredProviders: readonly string[] | undefined,
): string[] {
  const ran = new Set(capabilities.executionProviders.filter((provider) => provider.ran).map((provider) => provider.name));
  return profile.executionProviders.filter((provider) => ran.has(provider) && (requiredProviders?.includes(provider) ?? true));
}

/** Why an artefact cannot run on a device, in words; undefined if it can. Decided by what the device is, before anything is measured. */
export function refusalOf(
  candidate: ArtefactView,
  profile: ChoiceProfile,
  capabilities: ChoiceCapabilities,
  requiredProviders: readonly string[] | undefined,
): string | undefined {
  const usable = usableProviders(profile, capabilities, requiredProviders);
  if (!usable.some((provider) => candidate.executionProviders.includes(provider))) {
    return `runs on ${candidate.executionProviders.join(', ')}; this device offers ${usable.join(', ') || 'none of the allowed providers'}`;
  }
  return (
    weightsRefusal(candidate, capabilities) ??
    targetRefusal(candidate, capabilities, usable) ??
    halfRefusal(candidate, capabilities) ??
    opsetRefusal(candidate, capabilities)
  );
}

/** A browser loads a model from memory, of which WebAssembly has 4 GiB at most. */
function weightsRefusal({ document }: ArtefactView, { architecture }: ChoiceCapabilities): string | undefined {
  const isInBrowser = architecture === 'wasm';
  return isInBrowser && document.weights !== undefined ? 'keeps its weights in a file of their own, which browsers do not load' : undefined;
}

function targetRefusal(candidate: ArtefactView, { architecture, cpu }: ChoiceCapabilities, usable: readonly string[]): string | undefined {
  const target = candidate.document.provenance?.recipe.target ?? 'portable';
  switch (target) {
    case 'portable':
      return undefined;
    case 'x86-vnni': {
      // Without VNNI the kernel adds pairs in 16 bits, which saturate with weights of full range: wrong answers, not only slow ones.
      const fits = architecture === 'x64' && cpu.isa.some((feature) => feature === 'avx512_vnni' || feature === 'avx_vnni');
      return fits ? undefined : 'is shaped for the VNNI instructions of x86, which this processor lacks';
    }
    case 'x86-avx2':
      return architecture === 'x64' ? undefined : `is shaped for x86, this device is ${architecture}`;
    case 'arm':
      return architecture === 'arm64' ? undefined : `is shaped for Arm, this device is ${architecture}`;
    case 'tensorrt':
      return usable.some((provider) => provider === 'tensorrt' || provider === 'oip-sidecar')
        ? undefined
        : 'is shaped for TensorRT, which this device does not offer';
  }
}

/** ONNX Runtime as a device states it: `1.30.0`, or `onnxruntime-node 1.30.0`. */
export function runtimeOf({ runtimeVersions }: Pick<ChoiceCapabilities, 'runtimeVersions'>): string {
  return runtimeVersions.onnxruntime ?? runtimeVersions.engine ?? '';
}

/** Shaders compute in half precision only where the adapter says so; without it such a model does not even load (WebGPU, `shader-f16`). */
function halfRefusal({ precision, executionProviders }: ArtefactView, { architecture, cpu }: ChoiceCapabilities): string | undefined {
  const isInBrowser = architecture === 'wasm';
  if (!isInBrowser || precision !== 'fp16' || executionProviders.includes('wasm') || cpu.isa.includes('shader-f16')) return undefined;
  return 'needs shader-f16, which the graphics adapter of this browser lacks';
}

function opsetRefusal(candidate: ArtefactView, { runtimeVersions }: ChoiceCapabilities): string | undefined {
  const needs = candidate.document.needs;
  const version = /(?:^|\s)1\.(\d+)/.exec(runtimeOf({ runtimeVersions }));
  if (needs === undefined || version === null) return undefined;
  const minor = Number(version[1]);
  const newest = OPSETS.findLast(([since]) => since <= minor)?.[1] ?? 17;
  return needs.opset <= newest ? undefined : `needs opset ${needs.opset}; ONNX Runtime 1.${minor} of this device ends at ${newest}`;
}
