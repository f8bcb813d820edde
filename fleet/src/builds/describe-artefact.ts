import type { ArtefactDetail, WeightsFile } from '@starling/shared';
import { type ArtefactRow, type BuildModel, referenceOf, toArtefactView } from './store.ts';

/** An artefact with everything that went into it and came out. */
export function describeArtefact(artefact: ArtefactRow, model: BuildModel): ArtefactDetail {
  const { blob, weights, golden, provenance } = artefact.document;
  const { source, assets, datasets } = model.document;
  const name = `${model.name}@${model.version} ${artefact.document.optimisation}`;
  const used = [
    provenance?.calibrationDigest === undefined ? undefined : datasets?.calibration,
    provenance?.evaluationDigest === undefined ? undefined : datasets?.evaluation,
  ];
  const materials: ArtefactDetail['materials'] = [
    { role: 'source', name: `${model.name}@${model.version}`, digest: source.digest, sizeBytes: source.sizeBytes },
    ...weightsOf(`${model.name}@${model.version}`, model.document.weights),
    ...used.flatMap((dataset) =>
      dataset === undefined
        ? []
        : [
            {
              role: dataset === datasets?.calibration ? ('calibration' as const) : ('evaluation' as const),
              ...{ name: dataset.name, digest: dataset.digest, sizeBytes: dataset.sizeBytes },
            },
          ],
    ),
    ...assets.map(({ name, digest, sizeBytes }) => ({ role: 'asset' as const, name, digest, sizeBytes })),
    { role: 'artefact', name, digest: blob.digest, sizeBytes: blob.sizeBytes },
    ...weightsOf(name, weights),
    ...(golden === undefined ? [] : [{ role: 'golden' as const, name: 'golden', digest: golden.digest, sizeBytes: golden.sizeBytes }]),
  ];
  return { ...toArtefactView(artefact), model: referenceOf(model), materials, signed: artefact.signed };
}

function weightsOf(name: string, weights: WeightsFile | undefined): ArtefactDetail['materials'] {
  return weights === undefined ? [] : [{ role: 'weights', name, digest: weights.digest, sizeBytes: weights.sizeBytes }];
}
