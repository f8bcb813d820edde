import { recordsContract } from '../../fleet/src/telemetry/records.contract.ts';
import { retentionContract } from '../../fleet/src/telemetry/retention.contract.ts';
import { openOnPostgres } from '../harness/open-postgres.ts';
import { describeWith } from '../harness/requires.ts';

describeWith(['postgres'], 'telemetry in time', ({ postgres }) => {
  recordsContract('Postgres', () => openOnPostgres(postgres));
  retentionContract('Postgres', () => openOnPostgres(postgres));
});
