import { describeSandbox } from '../core/ports/sandbox.contract.ts';
import { createThreadSandbox } from './sandbox.ts';

const RUNS = 100;
const sandbox = createThreadSandbox(new URL('./engine/script-worker.ts', import.meta.url));

describeSandbox('QuickJS in threads of Node', () => sandbox, RUNS);
