import { rolloutContract } from '../../fleet/src/rollouts/rollouts.contract.ts';
import { openOnPostgres } from '../harness/open-postgres.ts';
import { describeWith } from '../harness/requires.ts';

describeWith(['postgres'], 'what rollouts promise', ({ postgres }) => {
  rolloutContract('Postgres', () => openOnPostgres(postgres));
});
