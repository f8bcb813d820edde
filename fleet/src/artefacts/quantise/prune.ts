import { deflateRawSync } from 'node:zlib';
import type { ChangeReport } from '../contracts.ts';
import { bytesOf, computedPayload, floatsOf, type OnnxModel, setPayload, sizeOf } from '../onnx/index.ts';
import { channelAxis, constantWeights, ELEMENTS_MINIMUM } from './constant-weights.ts';

export interface PruneReport extends ChangeReport {
  /** Share of the weights of the pruned tensors that are 0 now. */
  sparsity: number;
  /** Bytes of these tensors as they go over the wire, deflated. */
  deflatedBytesBefore: number;
  deflatedBytesAfter: number;
}

/**
 * Sets the weights of smallest magnitude to 0, tensor by tensor. This saves bytes on the wire, since zeros compress; it saves neither
 * memory nor time on a device, whose kernels multiply by 0 as by any other number. Changes the model in place; the pruned values are
 * computed when they are written.
 * @param sparsity share of each tensor that becomes 0, from 0 to below 1
 */
export function pruneWeights(model: OnnxModel, sparsity: number, keepInFloat: readonly string[] = []): PruneReport {
  const kept = new Set(keepInFloat);
  const report: PruneReport = { quantisedTensors: 0, layers: [], notes: [], sparsity: 0, deflatedBytesBefore: 0, deflatedBytesAfter: 0 };
  let zeros = 0;
  let elements = 0;
  for (const weight of constantWeights(model.graph)) {
    const { tensor, uses, shape } = weight;
    const isWeight = uses.some((use) => channelAxis(use, weight) !== undefined);
    const isKept = uses.some(({ node }) => node.name !== undefined && kept.has(node.name));
    if (!isWeight || isKept || sizeOf(tensor) < ELEMENTS_MINIMUM) continue;
    const values = floatsOf(tensor);
    if (!values.every(Number.isFinite)) {
      report.notes.push(`"${weight.name}" holds NaN or infinity and is not pruned`);
      continue;
    }
    report.deflatedBytesBefore += deflateRawSync(bytesOf(values)).length;
    const threshold = magnitudeBelow(values, sparsity);
    zeros += cut(values, threshold);
    elements += values.length;
    report.deflatedBytesAfter += deflateRawSync(bytesOf(values)).length;
    report.quantisedTensors += 1;
    const source = { ...tensor };
    const make = (): Uint8Array => {
      const again = floatsOf(source);
      cut(again, threshold);
      return bytesOf(again);
    };
    setPayload(tensor, 'float', shape, computedPayload(values.byteLength, make));
  }
  report.sparsity = elements === 0 ? 0 : zeros / elements;
  report.notes.push(summary(report));
  return report;
}

/** The largest magnitude that is cut off: of so many values, the first ones in order of magnitude. */
function magnitudeBelow(values: Float32Array, sparsity: number): number {
  const magnitudes = values.map(Math.abs).sort();
  const count = Math.floor(magnitudes.length * sparsity);
  return count === 0 ? -1 : (magnitudes[count - 1] as number);
}

/** @returns how many values are 0 now */
function cut(values: Float32Array, threshold: number): number {
  let zeros = 0;
  for (let index = 0; index < values.length; index += 1) {
    if (Math.abs(values[index] as number) <= threshold) values[index] = 0;
    if (values[index] === 0) zeros += 1;
  }
  return zeros;
}

function summary({ sparsity, quantisedTensors, deflatedBytesBefore, deflatedBytesAfter }: PruneReport): string {
  if (quantisedTensors === 0) return 'no tensor is large enough to be pruned';
  const share = (deflatedBytesAfter / deflatedBytesBefore) * 100;
  return (
    `${(sparsity * 100).toFixed(1)} % of the weights of ${quantisedTensors} tensors are 0: ${deflatedBytesAfter} bytes on the wire ` +
    `instead of ${deflatedBytesBefore} (${share.toFixed(1)} %); memory and time on the device stay the same`
  );
}
