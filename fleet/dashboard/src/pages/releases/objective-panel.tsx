import { Button, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReleaseObjective } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { Facts } from '../../parts/facts.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { objectiveWords } from '../../parts/objective-words.ts';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { ObjectiveForm } from './objective-form.tsx';

const originWords: Record<ReleaseObjective['origin'], string> = {
  fleet: 'an operator',
  release: 'the signed release',
  default: 'nobody: it is what holds where nothing is said',
};

/** By what the artefacts of a release are chosen, and what another objective would change. */
export function ObjectivePanel({ release }: { release: string }) {
  const { may } = useSession();
  const [isOpen, editing] = useDisclosure(false);
  const objective = useQuery(read('showObjective', { params: { digest: release } }));
  return (
    <Panel
      title="Objective"
      note="By what the artefact of each device is chosen."
      actions={
        may('operator') &&
        !isOpen && (
          <Button size="xs" variant="default" onClick={editing.open}>
            Change the objective
          </Button>
        )
      }
    >
      <QueryView query={objective} heightPx={90}>
        {(held) => (
          <Stack gap="md">
            <Text fw={600}>{objectiveWords(held.objective)}</Text>
            <Facts
              facts={[
                ['Stated by', held.setBy ?? originWords[held.origin]],
                ['Set', held.setAtMs === null ? undefined : <ExactMoment key="set" atMs={held.setAtMs} />],
              ]}
            />
            {isOpen && <ObjectiveForm release={release} held={held} onClose={editing.close} />}
          </Stack>
        )}
      </QueryView>
    </Panel>
  );
}
