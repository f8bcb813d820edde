import { Table } from '@mantine/core';
import type { FleetMap, MapMeasure } from '@starling/shared';
import type { CSSProperties } from 'react';
import { counted } from '../../format/quantity.ts';
import { TextLink } from '../../parts/link.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { devicesBehind, type Figures, measureWords, wordsOf } from './cell-words.ts';
import classes from './heat-table.module.css';

interface HeatTableProps {
  map: FleetMap;
  measure: MapMeasure;
}

/** Sites by profiles. Each cell says its figure: colour only helps the eye to find it. */
export function HeatTable({ map, measure }: HeatTableProps) {
  const profiles = map.profiles.map(({ profile }) => profile);
  return (
    <WideTable label={`${measureWords[measure]} by site and profile`} withColumnBorders horizontalSpacing={0} verticalSpacing={0}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col" px="md" py="xs" className={classes.site}>
            Site
          </Table.Th>
          <Table.Th scope="col" px="sm" ta="right">
            All
          </Table.Th>
          {map.profiles.map(({ profile, devices }) => (
            <Table.Th key={profile} scope="col" px="sm" ta="right" title={`${counted(devices)} devices`}>
              {profile}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {map.items.map(({ site, cells, ...whole }) => (
          <Table.Tr key={site}>
            <Table.Th scope="row" px="md" className={classes.site} fw={600}>
              {site === '' ? 'no site' : site}
            </Table.Th>
            <Cell {...{ map, measure, site }} figures={whole} isWhole />
            {profiles.map((profile) => {
              const cell = cells.find((each) => each.profile === profile);
              return cell === undefined ? (
                <Table.Td key={profile} ta="center" c="dimmed">
                  <span aria-hidden>·</span>
                  <span className="visually-hidden">no device</span>
                </Table.Td>
              ) : (
                <Cell
                  key={profile}
                  {...{ map, measure, site, profile }}
                  figures={cell}
                  mix={cell.releases.map(({ name, devices }) => `${name ?? 'none'}: ${counted(devices)}`).join(', ')}
                />
              );
            })}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

interface CellProps extends HeatTableProps {
  site: string;
  profile?: string;
  figures: Figures;
  /** What the devices should run. */
  mix?: string;
  isWhole?: boolean;
}

function Cell({ map, measure, site, profile, figures, mix, isWhole = false }: CellProps) {
  const { text, heat, sentence } = wordsOf(measure, figures, map.fleet.latencyMsMean);
  const where = `${site === '' ? 'no site' : site}${profile === undefined ? '' : `, ${profile}`}`;
  return (
    <Table.Td className={classes.heat}>
      <TextLink
        to="/devices"
        search={devicesBehind(measure, site, profile, map.leading?.name)}
        underline="never"
        c="inherit"
        size="sm"
        className={isWhole ? `${classes.cell} ${classes.whole}` : classes.cell}
        style={{ '--heat': heat } as CSSProperties}
        title={mix === undefined || mix === '' ? sentence : `${sentence}. Should run ${mix}`}
      >
        <span className="visually-hidden">{where}: </span>
        {text} <span className={classes.count}>of {counted(figures.devices)}</span>
        <span className="visually-hidden">, {sentence}</span>
      </TextLink>
    </Table.Td>
  );
}
