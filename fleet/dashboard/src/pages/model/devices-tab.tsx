import { Stack, Table, Text } from '@mantine/core';
import type { ArtefactView, MeasurementOutlier, MeasurePlanItem, ModelFigures, ModelView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read } from '../../data/queries.ts';
import { bytesOf, compact, counted, inWords, joulesOf, millisecondsOf } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { TextLink } from '../../parts/link.tsx';
import { PAGE_ITEMS } from '../../parts/list-search.ts';
import { Moment } from '../../parts/moment.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { kindWords } from '../../parts/recipe-words.ts';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import classes from './devices-tab.module.css';
import type { CostFigures, FiguresByProfile } from './figures-by-profile.ts';
import { MeasureButton } from './measure-button.tsx';
import { type MeasurePlan, PlanPanel, PlanState } from './plan-panel.tsx';
import { useFigures } from './use-figures.ts';

/** More than any model has artefacts and profiles. */
const PLAN_MAXIMUM = 200;

/** What the artefacts cost on each class of devices, and devices that fall out of their class. */
export function DevicesTab({ model }: { model: ModelView }) {
  const { figures, query } = useFigures(model);
  const plan = useQuery(read('measurePlan', { query: { model: model.digest, limit: PLAN_MAXIMUM } }));
  return (
    <QueryView query={query} heightPx={420}>
      {(answer) => (
        <Stack gap="md">
          <Panel
            title="By profile"
            note="Medians over the devices of a profile. Estimates stand where nothing was measured."
            actions={<MeasureButton model={model} />}
            flush
          >
            <Matrix artefacts={model.artefacts} figures={figures} plan={plan.data} />
          </Panel>
          <PlanPanel plan={plan.data} artefacts={model.artefacts} />
          {answer.outliers.length > 0 && (
            <Panel title="Out of their class" note="Devices that do not do what others of their profile do." flush>
              <OutlierTable outliers={answer.outliers} artefacts={model.artefacts} />
            </Panel>
          )}
          <Panel title="By device" note="The newest measurement of each artefact." flush>
            <DeviceTable rows={answer.devices} artefacts={model.artefacts} />
          </Panel>
        </Stack>
      )}
    </QueryView>
  );
}

interface MatrixProps {
  artefacts: readonly ArtefactView[];
  figures: FiguresByProfile;
  plan: MeasurePlan | undefined;
}

function Matrix({ artefacts, figures, plan }: MatrixProps) {
  if (figures.size === 0) {
    return (
      <EmptyState title="Nothing measured yet">
        {plan?.settings.devicesPerProfile === 0
          ? 'Have it measured: a few idle devices of each profile time every artefact, and the figures come here.'
          : 'Idle devices that run this model time its artefacts by themselves, and the figures come here.'}
      </EmptyState>
    );
  }
  const profiles = [...figures];
  const stateOf = (profile: string, artefact: string): MeasurePlanItem['state'] | undefined =>
    plan?.items.find((item) => item.profile === profile && item.artefact === artefact)?.state;
  return (
    <WideTable label="Artefacts by profile" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Artefact</Table.Th>
          {profiles.map(([profile]) => (
            <Table.Th key={profile} miw={170}>
              {profile}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {artefacts.map((artefact) => (
          <Table.Tr key={artefact.digest}>
            <Table.Th scope="row">{kindWords(artefact)}</Table.Th>
            {profiles.map(([profile, known]) => (
              <Table.Td key={profile} className={classes.cell}>
                <Cell
                  figures={known.get(artefact.digest)}
                  isFastest={fastestOf(known) === artefact.digest}
                  planned={stateOf(profile, artefact.digest)}
                />
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

/** The quickest of what was measured; estimates win nothing. */
function fastestOf(figures: ReadonlyMap<string, CostFigures>): string | undefined {
  const timed = [...figures].flatMap(([artefact, { latencyMs, isEstimate }]) =>
    latencyMs === null || isEstimate ? [] : [{ artefact, latencyMs }],
  );
  return timed.length < 2 ? undefined : timed.reduce((best, each) => (each.latencyMs < best.latencyMs ? each : best)).artefact;
}

interface CellProps {
  figures: CostFigures | undefined;
  isFastest: boolean;
  planned: MeasurePlanItem['state'] | undefined;
}

function Cell({ figures, isFastest, planned }: CellProps) {
  if (figures === undefined) {
    return <span className={classes.absent}>not known {planned !== undefined && <PlanState state={planned} />}</span>;
  }
  const { latencyMs, latencyMsP95, joulesPerInference, memoryBytes, devices, isEstimate } = figures;
  const latency = [
    latencyMs === null ? 'latency not known' : inWords(millisecondsOf(latencyMs)),
    latencyMsP95 !== null && `p95 ${inWords(millisecondsOf(latencyMsP95))}`,
  ];
  const rest = [
    joulesPerInference !== null && `${inWords(joulesOf(joulesPerInference))} an inference`,
    memoryBytes !== null && `${inWords(bytesOf(memoryBytes))} of memory`,
  ];
  return (
    <>
      <div className={classes.main}>
        {listed(latency)} {isFastest && <Tag tone="good">fastest</Tag>}
      </div>
      <div>{listed(rest)}</div>
      <div className={classes.absent}>
        {isEstimate ? 'estimated' : `measured on ${counted(devices)} ${devices === 1 ? 'device' : 'devices'}`}{' '}
        {planned !== undefined && <PlanState state={planned} />}
      </div>
    </>
  );
}

function listed(parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false).join(', ');
}

const outlierWords: Record<MeasurementOutlier['kind'], string> = {
  slow: 'slower than its class',
  throttled: 'throttled by heat or power',
  'more-memory': 'takes more memory than its class',
  'short-of-memory': 'had too little memory free to measure it',
};

function OutlierTable({ outliers, artefacts }: { outliers: readonly MeasurementOutlier[]; artefacts: readonly ArtefactView[] }) {
  return (
    <WideTable label="Devices out of their class" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Device</Table.Th>
          <Table.Th>What</Table.Th>
          <Table.Th>Times the median</Table.Th>
          <Table.Th>With</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {outliers.map(({ device, name, artefact, kind, factor }) => (
          <Table.Tr key={`${device} ${artefact} ${kind}`}>
            <Table.Td>
              <DeviceLink id={device} name={name} />
            </Table.Td>
            <Table.Td>
              <Tag tone="warn">{outlierWords[kind]}</Tag>
            </Table.Td>
            <Table.Td>{kind === 'throttled' || kind === 'short-of-memory' ? '–' : `${compact(factor)} times`}</Table.Td>
            <Table.Td>{nameOf(artefacts, artefact)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function DeviceTable({ rows, artefacts }: { rows: ModelFigures['devices']; artefacts: readonly ArtefactView[] }) {
  const [page, setPage] = useState(1);
  if (rows.length === 0) return <EmptyState title="No device has measured yet" />;
  const sorted = rows.toSorted(
    (left, right) => left.name.localeCompare(right.name) || left.record.latencyMs.median - right.record.latencyMs.median,
  );
  const offset = (page - 1) * PAGE_ITEMS;
  return (
    <>
      <WideTable label="Measurements by device" fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Device</Table.Th>
            <Table.Th>Artefact</Table.Th>
            <Table.Th>Median</Table.Th>
            <Table.Th>p95</Table.Th>
            <Table.Th>Energy</Table.Th>
            <Table.Th>Memory</Table.Th>
            <Table.Th>Loaded in</Table.Th>
            <Table.Th>Ran on</Table.Th>
            <Table.Th>Measured</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sorted.slice(offset, offset + PAGE_ITEMS).map(({ device, name, profile, artefact, measuredAtMs, record }) => (
            <Table.Tr key={`${device} ${artefact}`}>
              <Table.Td>
                <DeviceLink id={device} name={name} />
                <Text size="xs" c="dimmed">
                  {profile}
                </Text>
              </Table.Td>
              <Table.Td>{nameOf(artefacts, artefact)}</Table.Td>
              <Table.Td className={classes.figure}>{inWords(millisecondsOf(record.latencyMs.median))}</Table.Td>
              <Table.Td className={classes.figure}>{inWords(millisecondsOf(record.latencyMs.p95))}</Table.Td>
              <Table.Td className={classes.figure}>
                {inWords(joulesOf(record.joulesPerInference))}
                {record.energyMethod === 'modelled' && ' (modelled)'}
              </Table.Td>
              <Table.Td className={classes.figure}>{inWords(bytesOf(record.peakMemoryBytes))}</Table.Td>
              <Table.Td className={classes.figure}>{inWords(millisecondsOf(record.loadMs))}</Table.Td>
              <Table.Td>
                {record.provider},{' '}
                {record.threads === 0
                  ? 'threads as the runtime sees fit'
                  : `${counted(record.threads)} ${record.threads === 1 ? 'thread' : 'threads'}`}
                {record.throttled === true && ', throttled'}
              </Table.Td>
              <Table.Td>
                <Moment atMs={measuredAtMs} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </WideTable>
      <Pager total={sorted.length} limit={PAGE_ITEMS} offset={offset} onPage={setPage} what="measurements" />
    </>
  );
}

function DeviceLink({ id, name }: { id: string; name: string }) {
  return (
    <TextLink to="/devices/$id" params={{ id }} fw={600} size="sm">
      {name}
    </TextLink>
  );
}

function nameOf(artefacts: readonly ArtefactView[], digest: string): string {
  const artefact = artefacts.find((each) => each.digest === digest);
  return artefact === undefined ? digest.slice(0, 8) : kindWords(artefact);
}
