// The table: a section is a file of fixtures.
import type { Row } from './row.ts';
import { ACCESS_ROWS } from './requests/access.ts';
import { COMMAND_ROWS } from './requests/commands.ts';
import { LOG_ROWS } from './requests/logs.ts';
import { OBJECT_ROWS } from './requests/objects.ts';
import { PATH_ROWS } from './requests/paths.ts';
import { STREAM_ROWS } from './requests/streams.ts';

export const SECTIONS: Readonly<Record<string, readonly Row[]>> = { paths: PATH_ROWS, access: ACCESS_ROWS, objects: OBJECT_ROWS, logs: LOG_ROWS, commands: COMMAND_ROWS, streams: STREAM_ROWS };
