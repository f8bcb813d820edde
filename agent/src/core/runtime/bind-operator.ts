import { type OperatorName, type OperatorNode, type OperatorSignature, operatorSignatures, StarlingError } from '@starling/shared';
import type { BoundOperator } from '../pipelines/index.ts';
import { type OperatorContext, type OperatorRun, operators } from '../pipelines/operators/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import type { ImageCodec } from '../ports/image-codec.ts';
import type { InstalledRelease } from '../ports/runtime-host.ts';
import type { Sandbox } from '../ports/sandbox.ts';

export interface OperatorPorts {
  clock: Clock;
  codec: ImageCodec;
  engine: Engine;
  sandbox: Sandbox;
  /** Reads an asset from where the control plane put it. */
  readAsset(location: string): Promise<Uint8Array>;
}

/** Binds an operator to its parameters, checked once, and to the assets of its release. */
export function bindOperator(name: string, node: OperatorNode, installed: InstalledRelease, ports: OperatorPorts): BoundOperator {
  if (!isOperatorName(node.op)) {
    throw new StarlingError('unknown-operator', `this agent has no operator "${node.op}"`, {
      field: `nodes.${name}.op`,
      hint: 'update the agent',
    });
  }
  const signature: OperatorSignature = operatorSignatures[node.op];
  const params = signature.params.safeParse(node.params);
  if (!params.success) {
    throw new StarlingError('invalid-params', params.error.issues[0]?.message ?? 'invalid', { field: `nodes.${name}.params` });
  }
  const assets = new Map<string, Promise<Uint8Array>>();
  const context: OperatorContext = {
    codec: ports.codec,
    allocateFloat32: (length) => ports.engine.allocateFloat32(length),
    asset(model, asset) {
      const key = `${model}/${asset}`;
      const location = installed.assets[key];
      if (location === undefined)
        throw new StarlingError('missing-asset', `the release has no asset ${key}`, { field: `nodes.${name}.params` });
      const reading = assets.get(key) ?? ports.readAsset(location);
      assets.set(key, reading);
      return reading;
    },
  };
  // The table proves that every operator takes the parameters of its own signature; here the name is only known at run time.
  const run = operators[node.op] as OperatorRun<unknown>;
  const { outputs, optional = [] } = signature.ports?.(params.data as never) ?? signature;
  return {
    ...{ outputNames: Object.keys(outputs), optional, isStateful: signature.stateful === true },
    ...(signature.stateful === true ? { stateScope: signature.stateScope ?? 'stream' } : {}),
    run: (inputs, item) => run(inputs, params.data, context, item),
  };
}

function isOperatorName(name: string): name is OperatorName {
  return Object.hasOwn(operatorSignatures, name);
}
