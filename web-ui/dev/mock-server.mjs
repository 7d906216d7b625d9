/**
 * The mock cluster behind the REST API of docs/api.md, with the built page. `npm run mock`, then open the address.
 *
 * PORT sets the port (7820 otherwise, 0 for a free one). The address is printed when the server listens.
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MockCluster } from './mock-cluster.mjs';
import * as views from './mock-views.mjs';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const TICK_MS = 50;
const SNAPSHOT_MS = 100;
const BODY_LIMIT = 1 << 20;
const NO_QUORUM = { status: 503, code: 5925, name: 'ERROR_CLUSTER_NO_QUORUM', message: 'The cluster has no quorum, so nothing can be changed. Start nodes or heal links.', facts: {} };
const NOBODY = { status: 502, code: 1722, name: 'RPC_S_SERVER_UNAVAILABLE', message: 'No node answers. Start one.', facts: {} };

/** Starts the server; gives its address and how to end it. */
export async function serve(port, mock = new MockCluster()) {
  const streams = new Set();
  mock.heard = (notice) => streams.forEach((stream) => stream.write(`id: ${notice.Id}\nevent: notice\ndata: ${JSON.stringify(notice)}\n\n`));
  const tick = setInterval(() => mock.tick(Date.now()), TICK_MS);
  let told = -1;
  const tell = setInterval(() => {
    if (mock.answering() === null) {
      streams.forEach((stream) => stream.end());
      streams.clear();
    } else if (told !== mock.applied) {
      told = mock.applied;
      const text = `event: snapshot\ndata: ${JSON.stringify(views.snapshot(mock))}\n\n`;
      streams.forEach((stream) => stream.write(text));
    }
  }, SNAPSHOT_MS);

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (!url.pathname.startsWith('/api/v1/')) return file(url.pathname, response);
    const path = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
    if (path[0] === 'stream' && mock.answering() !== null) return stream(mock, streams, response);
    const body = await read(request);
    const answer = body === undefined ? { status: 400, code: 13, name: 'ERROR_INVALID_DATA', message: 'The body is not JSON.', facts: {} } : await route(mock, request.method, path, body, url.searchParams);
    if (answer?.status !== undefined && answer.code !== undefined) {
      const { status, ...error } = answer;
      return send(response, status, { error });
    }
    send(response, request.method === 'GET' ? 200 : 202, request.method === 'GET' ? answer : { Accepted: true, Pending: false, Applied: mock.applied });
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    mock,
    close: () => {
      clearInterval(tick);
      clearInterval(tell);
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function stream(mock, streams, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(`event: snapshot\ndata: ${JSON.stringify(views.snapshot(mock))}\n\n`);
  streams.add(response);
  response.on('close', () => streams.delete(response));
}

async function route(mock, method, [noun, name, verb, extra], body, query) {
  if (noun === 'lab') return name === 'nodes' ? labNode(mock, verb, extra, body) : lab(mock, method, name, body);
  if (mock.answering() === null) return NOBODY;
  if (method !== 'GET' && !mock.quorate) return NO_QUORUM;
  if (noun === 'cluster' && (name === 'properties' || method === 'PATCH')) return common(mock, 'cluster', mock, method, body);
  if (noun === 'quorum') return quorum(mock, method, name, body);
  if (name === undefined) return method === 'GET' ? lists(mock, noun, query) : missing('path', noun, 2);
  switch (noun) {
    case 'nodes': return onNode(mock, mock.node(name), method, verb, body);
    case 'groups': return onGroup(mock, mock.group(name), method, verb, body);
    case 'resources': return onResource(mock, mock.resource(name), method, verb, body, query);
    default: return missing('path', noun, 2);
  }
}

function lists(mock, noun, query) {
  const snapshot = views.snapshot(mock);
  switch (noun) {
    case 'cluster': return snapshot.Cluster;
    case 'nodes': return snapshot.Nodes;
    case 'groups': return snapshot.Groups;
    case 'resources': return snapshot.Resources;
    case 'events': return mock.notices.slice(-Number(query.get('limit') ?? 500));
    default: return missing('path', noun, 2);
  }
}

function quorum(mock, method, name, body) {
  if (name === 'steps') return mock.steps();
  if (method === 'GET') return views.quorum(mock);
  const isKnown = ['NodeMajority', 'NodeAndDiskMajority', 'DiskOnly'].includes(body?.QuorumType);
  if (!isKnown) return { status: 400, code: 87, name: 'ERROR_INVALID_PARAMETER', message: `'${body?.QuorumType}' is no quorum model of this make-believe cluster.`, facts: {} };
  mock.model = body.QuorumType;
  return mock.note('Information', 'QUORUM', null, `Quorum is ${mock.model} now.`, null);
}

/** Reads or sets common properties; a name that the kind does not have is refused. */
function common(mock, kind, object, method, body) {
  object.properties ??= {};
  if (method === 'GET') return views.properties(kind, object.properties);
  const bad = Object.keys(body?.Properties ?? {}).find((name) => !(name in views.properties(kind, {})));
  if (bad !== undefined) return { status: 400, code: 87, name: 'ERROR_INVALID_PARAMETER', message: `A ${kind} has no property '${bad}'.`, facts: { Property: bad } };
  const wrong = Object.entries(body.Properties).find(([name, value]) => value !== null && typeof value !== typeof views.properties(kind, {})[name].Value);
  if (wrong !== undefined) return { status: 400, code: 13, name: 'ERROR_INVALID_DATA', message: `Property '${wrong[0]}' has another type than ${JSON.stringify(wrong[1])}.`, facts: { Property: wrong[0] } };
  Object.assign(object.properties, body.Properties);
  return mock.changed();
}

function onNode(mock, node, method, verb, body) {
  if (node === undefined) return missing('node', '', 5042);
  if (method === 'PATCH' || verb === 'properties') return common(mock, 'node', node, method, body);
  if (method === 'GET') return views.node(mock, node);
  if (verb === 'pause') return mock.pause(node, body?.Drain === true);
  if (verb === 'resume') return mock.resume(node);
  return missing('path', verb, 2);
}

function onGroup(mock, group, method, verb, body) {
  if (group === undefined) return missing('group', '', 5013);
  if (method === 'PATCH' || verb === 'properties') return common(mock, 'group', group, method, body);
  if (method === 'GET') return verb === 'placement' ? mock.placement(group) : verb === undefined ? views.group(mock, group) : missing('path', verb, 2);
  if (verb === 'move') return mock.move(group, body?.Node ?? null);
  return mock.want(group, verb === 'online');
}

async function onResource(mock, one, method, verb, body, query) {
  if (one === undefined) return missing('resource', '', 5007);
  if (verb === 'parameters') return method === 'GET' ? one.parameters : (Object.assign(one.parameters, body), mock.changed());
  if (method === 'PATCH' || verb === 'properties') {
    const refused = common(mock, 'resource', one, method, body);
    if (method === 'PATCH') one.threshold = one.properties.RestartThreshold ?? 1;
    return refused;
  }
  if (method === 'GET') return views.resource(mock, one);
  if (verb === 'fail') return mock.fail(one);
  const refused = mock.wantResource(one, verb === 'online');
  const until = Date.now() + Number(query.get('wait') ?? 0) * 1000;
  while (refused === null && Date.now() < until && one.state !== (verb === 'online' ? 'Online' : 'Offline')) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  return refused;
}

function lab(mock, method, noun, body) {
  if (method === 'GET') return views.lab(mock);
  const about = (text) => mock.note('Warning', 'LAB', null, text, null);
  if (noun === 'heal') {
    mock.cut.clear();
    mock.storageCut.clear();
    for (const node of mock.nodes) Object.assign(node, { process: 'running' });
    return about('Everything was healed.');
  }
  if (noun === 'links') {
    for (const link of [`${body.From}>${body.To}`, `${body.To}>${body.From}`]) body.Cut ? mock.cut.add(link) : mock.cut.delete(link);
    return about(`The link between ${body.From} and ${body.To} was ${body.Cut ? 'cut' : 'healed'}.`);
  }
  if (noun === 'storage') {
    if (mock.node(body.Node) === undefined) return missing('node', body.Node, 5042);
    body.Cut ? mock.storageCut.add(body.Node) : mock.storageCut.delete(body.Node);
    return about(`The storage path of ${body.Node} was ${body.Cut ? 'cut' : 'mended'}.`);
  }
  return missing('path', noun, 2);
}

function labNode(mock, name, verb, body) {
  const node = mock.node(name);
  if (node === undefined) return missing('node', name, 5042);
  const process = { kill: 'stopped', stop: 'stopped', pause: 'paused', continue: 'running', start: 'running' }[verb];
  if (process === undefined) return missing('path', verb, 2);
  if (verb === 'start' && node.process !== 'stopped') return { status: 409, code: 1056, name: 'ERROR_SERVICE_ALREADY_RUNNING', message: `Node ${name} is running already.`, facts: { Node: name } };
  if (verb === 'start') Object.assign(node, { pid: node.pid + 1, restarts: node.restarts + 1 });
  node.process = process;
  if (verb === 'start' && body?.ForceQuorum === true) mock.forced = node.name;
  return mock.note('Warning', 'LAB', null, `Node ${name}: ${verb}.`, { Kind: 'Node', Name: name });
}

const missing = (kind, name, code) => ({ status: 404, code, name: 'ERROR_NOT_FOUND', message: `There is no ${kind} '${name}'.`, facts: {} });

async function read(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_LIMIT) return undefined;
  }
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(value ?? null));
}

function file(path, response) {
  const asked = normalize(join(DIST, path));
  const found = asked.startsWith(DIST) && existsSync(asked) && statSync(asked).isFile() ? asked : join(DIST, 'index.html');
  if (!existsSync(found)) {
    response.writeHead(404, { 'content-type': 'text/plain' });
    response.end('The page is not built: npm run build\n');
    return;
  }
  response.writeHead(200, { 'content-type': TYPES[extname(found)] ?? 'application/octet-stream' });
  createReadStream(found).pipe(response);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve(Number(process.env.PORT ?? 7820));
  console.log(server.url);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void server.close().then(() => process.exit(0)));
}
