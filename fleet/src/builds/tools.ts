import process from 'node:process';
import runtime from 'onnxruntime-node/package.json' with { type: 'json' };
import { FLEET_VERSION } from '../version.ts';

/** What an artefact is made with, as its manifest names it. Another version may give other bytes. */
export function toolVersions(): Record<string, string> {
  return { starling: FLEET_VERSION, 'onnxruntime-node': runtime.version, node: process.versions.node };
}
