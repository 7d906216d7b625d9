/** Runs a command against the mock server on a free port: `node dev/with-mock.mjs COMMAND ARGS...`. Its exit code is the command's. */
import { spawn } from 'node:child_process';
import { serve } from './mock-server.mjs';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error('Say which command to run: node dev/with-mock.mjs COMMAND ARGS...');
  process.exit(2);
}
const server = await serve(0);
const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, WOLFDEN_URL: server.url } });
child.once('error', (error) => {
  console.error(`${command} could not be started: ${error.message}`);
  process.exit(2);
});
child.once('exit', (code) => void server.close().then(() => process.exit(code ?? 1)));
