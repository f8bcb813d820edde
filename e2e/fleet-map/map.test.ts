import { mapContract } from '../../fleet/src/devices/map.contract.ts';
import { openOnPostgres } from '../harness/open-postgres.ts';
import { describeWith } from '../harness/requires.ts';

describeWith(['postgres'], 'the fleet at a glance', ({ postgres }) => {
  mapContract('Postgres', () => openOnPostgres(postgres));
});
