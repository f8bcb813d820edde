import { Alert, Stack, Text } from '@mantine/core';
import type { ExperimentPreview } from '@starling/shared';
import { IconAlertTriangle } from '@tabler/icons-react';
import { bytesOf, counted } from '../../format/quantity.ts';
import { FigureRow, FigureTile } from '../../parts/figure-tile.tsx';
import { Panel } from '../../parts/panel.tsx';

/** Which devices would take part, and what stands in the way of the others. */
export function PreviewPanel({ preview: { champion, devices, matched, obstacles, desiredStateBytes } }: { preview: ExperimentPreview }) {
  return (
    <Panel title="What it would do">
      <Stack>
        <FigureRow>
          <FigureTile
            label="Devices"
            value={{ figure: counted(devices), unit: '' }}
            note={`take part, of ${counted(matched)} that match`}
          />
          <FigureTile label="Champion" value={{ figure: champion.name, unit: '' }} note="is challenged" />
          <FigureTile label="To send" value={bytesOf(desiredStateBytes)} note="more in each desired state, at most" />
        </FigureRow>
        {obstacles.map(({ code, text, devices: hindered }) => (
          <Alert
            key={`${code} ${text}`}
            color="orange"
            variant="outline"
            icon={<IconAlertTriangle aria-hidden />}
            title={`${counted(hindered)} ${hindered === 1 ? 'device stays' : 'devices stay'} out`}
            styles={{ root: { background: 'var(--surface)' } }}
          >
            <Text size="sm">
              {hindered === 1 ? 'It is one of those that' : 'They'} {text}
            </Text>
          </Alert>
        ))}
      </Stack>
    </Panel>
  );
}
