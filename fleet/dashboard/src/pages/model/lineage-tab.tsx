import { Button, Text } from '@mantine/core';
import type { ArtefactView, ModelAsset, ModelView } from '@starling/shared';
import { bytesOf, inWords } from '../../format/quantity.ts';
import { Digest } from '../../parts/digest.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Panel } from '../../parts/panel.tsx';
import { kindWords, recipeFacts } from '../../parts/recipe-words.ts';
import classes from './lineage-tab.module.css';

interface LineageTabProps {
  model: ModelView;
  onOpen: (artefact: string) => void;
}

/** From the file that was pushed, by a recipe and with samples, to each artefact. */
export function LineageTab({ model: { name, version, document, artefacts }, onOpen }: LineageTabProps) {
  const { source, datasets } = document;
  return (
    <Panel title="Lineage" note="The file that was pushed, what was done with it, and what came of it.">
      <div className={classes.lineage}>
        <div className={classes.source}>
          <Text fw={600} size="sm" mb={4}>
            {name} {version}, as pushed
          </Text>
          <Facts
            facts={[
              ['Source', <Digest key="source" value={source.digest} length={8} what="source" />],
              ['Size', inWords(bytesOf(source.sizeBytes))],
              ['Calibration', datasetFact(datasets?.calibration)],
              ['Evaluation', datasetFact(datasets?.evaluation)],
            ]}
          />
        </div>
        {artefacts.length === 0 ? (
          <EmptyState title="Nothing built yet" />
        ) : (
          <ol className={classes.branches} aria-label="Artefacts of this source">
            {artefacts.map((artefact) => (
              <Branch key={artefact.digest} artefact={artefact} onOpen={onOpen} />
            ))}
          </ol>
        )}
      </div>
    </Panel>
  );
}

function Branch({ artefact, onOpen }: { artefact: ArtefactView; onOpen: (artefact: string) => void }) {
  const { digest, sizeBytes, precision, document } = artefact;
  const { provenance } = document;
  return (
    <li className={classes.branch}>
      <div className={classes.recipe}>
        {provenance === undefined ? (
          <Text size="sm">The recipe was not kept.</Text>
        ) : (
          <Facts
            facts={[
              ...recipeFacts(provenance.recipe),
              ['Calibration', digestFact(provenance.calibrationDigest, 'calibration set')],
              ['Evaluation', digestFact(provenance.evaluationDigest, 'evaluation set')],
              ['Left in float', provenance.keptInFloat.length === 0 ? undefined : `${provenance.keptInFloat.length} layers`],
            ]}
          />
        )}
      </div>
      <div className={classes.artefact}>
        <Text fw={600} size="sm">
          {kindWords(artefact)}
        </Text>
        <Text size="sm" c="dimmed">
          {precision}, {inWords(bytesOf(sizeBytes))}
        </Text>
        <Digest value={digest} length={8} what="artefact" />
        <div>
          <Button
            size="compact-xs"
            variant="default"
            aria-haspopup="dialog"
            aria-label={`Details of ${kindWords(artefact)}`}
            onClick={() => onOpen(digest)}
          >
            Details
          </Button>
        </div>
      </div>
    </li>
  );
}

function datasetFact(asset: ModelAsset | undefined) {
  if (asset === undefined) return 'none';
  return (
    <>
      <Digest value={asset.digest} length={8} what={`${asset.name} set`} /> {inWords(bytesOf(asset.sizeBytes))}
    </>
  );
}

function digestFact(digest: string | undefined, what: string) {
  return digest === undefined ? undefined : <Digest value={digest} length={8} what={what} />;
}
