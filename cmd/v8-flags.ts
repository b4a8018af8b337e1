// The executable starts with V8 flags (build/executable.ts): small semi-spaces, and gc(). They have done their work once the heap is there.
// V8 takes no compiled code that was made under other flags, and Node's own modules carry code made under none: with the flags left as they
// are, every module is compiled from its source, 40 ms at each start. So they are put back before the first is loaded: this is imported first.
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--max-semi-space-size=0');
setFlagsFromString('--no-expose-gc');
