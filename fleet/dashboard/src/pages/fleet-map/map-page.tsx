import { Group, SegmentedControl, Select, Text } from '@mantine/core';
import { type FleetMap, type MapMeasure, mapMeasures } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { counted, inWords, millisecondsOf, percentOf } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { FigureRow, FigureTile } from '../../parts/figure-tile.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { measureWords } from './cell-words.ts';
import classes from './heat-table.module.css';
import { HeatTable } from './heat-table.tsx';
import { mapOrders } from './search.ts';

const route = getRouteApi('/shell/map');
const orderWords: Record<(typeof mapOrders)[number], string> = {
  worst: 'Worst first',
  devices: 'Most devices first',
  site: 'By name of the site',
};
/** Sites of one page: a screen or two. */
const SITES = 40;

/** The whole fleet by site and profile, however many devices it has: what wants to be looked at stands on top. */
export function MapPage() {
  const { page, measure = 'connected', sort = 'worst', search } = route.useSearch();
  const navigate = route.useNavigate();
  const query = { ...pageQuery(page, SITES), measure, sort, search };
  const map = useQuery({ ...read('fleetMap', { query }), placeholderData: keepPreviousData });
  const narrow = (change: object): void =>
    void navigate({ search: (before) => ({ ...before, page: undefined, ...change }), replace: true });
  return (
    <>
      <PageHeader title="Map" note="Devices that are let in, by their label site and by their profile. A cell leads to its devices." />
      <QueryView query={map} heightPx={560}>
        {(found) => (
          <>
            <Totals map={found} />
            <Panel
              title="Sites and profiles"
              flush
              note={<Legend map={found} measure={measure} />}
              actions={
                <Group gap="xs" style={{ flex: '1 1 auto' }} justify="flex-end">
                  <SearchField label="Search sites" value={search} onSearch={(next) => narrow({ search: next })} width={180} />
                  <Select
                    aria-label="Order"
                    allowDeselect={false}
                    w={{ base: '100%', sm: 190 }}
                    data={mapOrders.map((value) => ({ value, label: orderWords[value] }))}
                    value={sort}
                    onChange={(value) => narrow({ sort: mapOrders.find((each) => each === value) })}
                  />
                </Group>
              }
            >
              <MeasureChoice measure={measure} onMeasure={(next) => narrow({ measure: next })} />
              {found.items.length === 0 ? (
                <EmptyState title={search === undefined ? 'No device is let in yet' : 'No site is called so'} />
              ) : (
                <>
                  <HeatTable map={found} measure={measure} />
                  <Pager
                    total={found.total}
                    limit={found.limit}
                    offset={found.offset}
                    what="sites"
                    onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
                  />
                </>
              )}
            </Panel>
          </>
        )}
      </QueryView>
    </>
  );
}

function MeasureChoice({ measure, onMeasure }: { measure: MapMeasure; onMeasure: (measure: MapMeasure | undefined) => void }) {
  const choose = (value: string | null): void => onMeasure(mapMeasures.find((each) => each === value));
  const data = mapMeasures.map((value) => ({ value, label: measureWords[value] }));
  return (
    <Group px="md" pb="sm">
      <SegmentedControl aria-label="What the map shows" data={data} value={measure} onChange={choose} visibleFrom="sm" />
      <Select
        aria-label="What the map shows"
        allowDeselect={false}
        w="100%"
        data={data}
        value={measure}
        onChange={choose}
        hiddenFrom="sm"
      />
    </Group>
  );
}

function Totals({ map: { fleet, leading, total } }: { map: FleetMap }) {
  const { devices, connected, closed, failing, onLeading, latencyMsMean, items } = fleet;
  const expected = devices - closed;
  return (
    <FigureRow>
      <FigureTile
        label="Devices"
        value={{ figure: counted(devices), unit: '' }}
        note={`${counted(total)} ${total === 1 ? 'site' : 'sites'} shown`}
      />
      <FigureTile
        label="Connected"
        value={percentOf(expected === 0 ? null : connected / expected)}
        note={`${counted(connected)} of ${counted(expected)}`}
      />
      <FigureTile label="Failing" value={{ figure: counted(failing), unit: '' }} note="do not run what they should" />
      <FigureTile label="Latency, mean" value={millisecondsOf(latencyMsMean)} note="of the last one to two hours" />
      <FigureTile label="Inferences" value={{ figure: counted(items), unit: '' }} note="in the same time" />
      <FigureTile
        label="Leading release"
        value={percentOf(devices === 0 ? null : onLeading / devices)}
        note={leading === null ? 'nothing is assigned' : (leading.name ?? leading.digest.slice(0, 12))}
      />
    </FigureRow>
  );
}

function Legend({ map, measure }: { map: FleetMap; measure: MapMeasure }) {
  const mean = inWords(millisecondsOf(map.fleet.latencyMsMean));
  const ends: Record<MapMeasure, [string, string]> = {
    connected: ['all', 'half, or fewer'],
    failing: ['none', 'a tenth, or more'],
    latency: [`${mean}, as the fleet`, 'three times that'],
    release: ['all', 'half, or fewer'],
  };
  const [cool, hot] = ends[measure];
  return (
    <span className={classes.legend}>
      <Text span size="xs">
        {cool}
      </Text>
      <span className={classes.ramp} aria-hidden />
      <Text span size="xs">
        {hot}
      </Text>
    </span>
  );
}
