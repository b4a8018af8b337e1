// Validation of what schedulers, controllers and drivers say of a claim (upstream: ValidateResourceClaimStatusUpdate in pkg/apis/resource),
// and what goes with devices that are given back.
import { duplicate, forbidden, invalid, required, tooLong, tooMany, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { dnsLabelProblems, labelKeyProblems } from '../../api/names.ts';
import { oneOf } from '../choices.ts';
import { validateConditions } from '../condition-validation.ts';
import type { AllocatedDeviceStatus, AllocationResult, DeviceRequestAllocationResult, NetworkDeviceData, ResourceClaimConsumerReference, ResourceClaimResourceV1 } from '../generated/api-types.ts';
import { canonicalIp, isIp, isIpv4 } from '../networking/ip-address.ts';
import { validateNodeSelector } from '../pod-spec/placement.ts';
import { driverNameProblems } from '../storage/storage-validation.ts';
import { requestNames, validateNames, validateSet } from './device-requests.ts';
import { objectProblems, poolNameProblems, validateOpaque } from './device-values.ts';

const CONSUMERS_MAX = 256;
const RESULTS_MAX = 32;
const CONFIGS_MAX = 64;
const CONDITIONS_MAX = 8;
const BINDINGS_MAX = 4;
const ADDRESSES_MAX = 16;
const INTERFACE_MAX = 256;
const HARDWARE_MAX = 128;
const UID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type Named = Partial<Pick<AllocatedDeviceStatus, 'device' | 'driver' | 'pool' | 'shareID'>>;

export function validateClaimStatus({ metadata, spec, status = {} }: ResourceClaimResourceV1, { status: old = {} }: ResourceClaimResourceV1): FieldError[] {
  const { allocation, devices = [], reservedFor = [] } = status;
  const allocated = new Set((allocation?.devices?.results ?? []).map(identityOf));
  const errors = [
    ...validateSet(reservedFor, 'status.reservedFor', { max: CONSUMERS_MAX, validate: validateConsumer, keyOf: ({ uid = '' }) => uid }),
    ...devices.flatMap((device, index) => validateDevice(device, `status.devices[${String(index)}]`, allocated)),
    ...devices.flatMap((device, index) => (devices.findIndex((other) => identityOf(other) === identityOf(device)) < index ? [duplicate(`status.devices[${String(index)}]`, asGoPrints(device))] : [])),
  ];
  const path = 'status.reservedFor';
  if (reservedFor.length > 0 && allocation === undefined) errors.push(forbidden(path, 'may not be specified when `allocated` is not set'));
  else if (metadata.deletionTimestamp !== undefined && reservedFor.some((one) => !(old.reservedFor ?? []).some((was) => sameSemantically(was, one)))) errors.push(forbidden(path, 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'));
  if (allocation === undefined) return errors;
  if (old.allocation === undefined) return [...errors, ...validateAllocation(allocation, 'status.allocation', requestNames(spec))];
  return sameSemantically(allocation, old.allocation) ? errors : [...errors, invalid('status.allocation', allocation, 'field is immutable')];
}

/** What drivers said of devices that are no longer the claim's goes with them. */
export function dropReturnedDevices({ status }: ResourceClaimResourceV1, { status: old }: ResourceClaimResourceV1): void {
  if (status?.devices === undefined) return;
  const kept = new Set((status.allocation?.devices?.results ?? []).map(identityOf));
  const returned = new Set((old?.allocation?.devices?.results ?? []).map(identityOf).filter((identity) => !kept.has(identity)));
  status.devices = status.devices.filter((device) => !returned.has(identityOf(device)));
  if (status.devices.length === 0) delete status.devices;
}

function asGoPrints({ driver = '', pool = '', device = '', shareID = '' }: Named): object {
  return { Driver: driver, Pool: pool, Device: device, ShareID: shareID };
}

function identityOf(device: Named): string {
  return JSON.stringify(asGoPrints(device));
}

function validateConsumer(consumer: Partial<ResourceClaimConsumerReference>, path: string): FieldError[] {
  return (['resource', 'name', 'uid'] as const).filter((field) => !consumer[field]).map((field) => required(`${path}.${field}`));
}

function validateAllocation({ devices = {}, nodeSelector }: AllocationResult, path: string, names: ReadonlySet<string>): FieldError[] {
  const { results = [], config = [] } = devices;
  const ofRequest = (request: string, at: string): FieldError[] => validateNames([request], at, names).map((error) => ({ ...error, field: at }));
  return [
    ...validateItems(results, { path: `${path}.devices.results`, max: RESULTS_MAX, validate: (result, at) => [...ofRequest(result.request ?? '', `${at}.request`), ...validatePlace(result, at), ...validateBindings(result, at), ...shareProblems(result.shareID, `${at}.shareID`)] }),
    ...validateItems(config, { path: `${path}.devices.config`, max: CONFIGS_MAX, validate: ({ source, requests = [], opaque }, at) => [...oneOf(source, `${at}.source`, ['FromClaim', 'FromClass']), ...validateNames(requests, `${at}.requests`, names), ...validateOpaque(opaque, `${at}.opaque`)] }),
    ...(nodeSelector === undefined ? [] : validateNodeSelector(nodeSelector, `${path}.nodeSelector`)),
  ];
}

function validateItems<T>(items: readonly T[], { path, max, validate }: { path: string; max: number; validate(item: T, path: string): FieldError[] }): FieldError[] {
  return items.length > max ? [tooMany(path, items.length, max)] : items.flatMap((item, index) => validate(item, `${path}[${String(index)}]`));
}

function validatePlace({ driver = '', pool = '', device = '' }: Named, path: string): FieldError[] {
  return [...driverNameProblems(driver, `${path}.driver`), ...poolNameProblems(pool, `${path}.pool`), ...dnsLabelProblems(device).map((problem) => invalid(`${path}.device`, device, problem))];
}

function shareProblems(share: string | undefined, path: string): FieldError[] {
  if (share === undefined || UID.test(share)) return [];
  return [UID.test(share.toLowerCase()) ? invalid(path, share, 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters') : invalid(path, share, `error validating uid: invalid UUID length: ${String(Buffer.byteLength(share))}`)];
}

function validateBindings({ bindingConditions: good = [], bindingFailureConditions: bad = [] }: Partial<DeviceRequestAllocationResult>, path: string): FieldError[] {
  const [goodAt, badAt] = [`${path}.bindingConditions`, `${path}.bindingFailureConditions`];
  const label = (name: string, at: string): FieldError[] => labelKeyProblems(name).map((problem) => invalid(at, name, problem));
  const again = (names: readonly string[], at: string): FieldError[] => names.flatMap((name, index) => (names.indexOf(name) < index ? [duplicate(`${at}[${String(index)}]`, name)] : []));
  return [
    ...validateItems(good, { path: goodAt, max: BINDINGS_MAX, validate: label }), ...validateItems(bad, { path: badAt, max: BINDINGS_MAX, validate: label }),
    ...again(good, goodAt), ...again(bad, badAt),
    ...bad.flatMap((name, index) => (good.includes(name) ? [invalid(`${badAt}[${String(index)}]`, name, 'bindingFailureConditions must not overlap with bindingConditions')] : [])),
    ...(good.length === 0 && bad.length > 0 ? [invalid(goodAt, null, 'bindingConditions are required to use bindingFailureConditions')] : []),
    ...(bad.length === 0 && good.length > 0 ? [invalid(badAt, null, 'bindingFailureConditions are required to use bindingConditions')] : []),
  ];
}

function validateDevice(device: AllocatedDeviceStatus, path: string, allocated: ReadonlySet<string>): FieldError[] {
  const { conditions = [], data, networkData, shareID } = device;
  return [
    ...validatePlace(device, path), ...shareProblems(shareID, `${path}.shareID`),
    ...(allocated.has(identityOf(device)) ? [] : [invalid(path, asGoPrints(device), 'must be an allocated device in the claim')]),
    ...(conditions.length > CONDITIONS_MAX ? [tooMany(`${path}.conditions`, conditions.length, CONDITIONS_MAX)] : []),
    ...validateConditions(conditions, `${path}.conditions`),
    ...(data === undefined || data === null ? [] : objectProblems(data, `${path}.data`)),
    ...(networkData === undefined ? [] : validateNetwork(networkData, `${path}.networkData`)),
  ];
}

function validateNetwork({ interfaceName = '', hardwareAddress = '', ips = [] }: NetworkDeviceData, path: string): FieldError[] {
  return [
    ...(Buffer.byteLength(interfaceName) > INTERFACE_MAX ? [tooLong(`${path}.interfaceName`, INTERFACE_MAX)] : []),
    ...(Buffer.byteLength(hardwareAddress) > HARDWARE_MAX ? [tooLong(`${path}.hardwareAddress`, HARDWARE_MAX)] : []),
    ...validateSet(ips, `${path}.ips`, { max: ADDRESSES_MAX, validate: interfaceAddressProblems, keyOf: (ip) => ip }),
  ];
}

/** `10.9.8.7/24`: an address with its network, each as short as it can be. */
function interfaceAddressProblems(text: string, path: string): FieldError[] {
  const [, ip = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  if (!isIp(ip) || Number(bits) > (isIpv4(ip) ? 32 : 128)) return [invalid(path, text, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)')];
  const canonical = `${canonicalIp(ip)}/${String(Number(bits))}`;
  return text === canonical ? [] : [invalid(path, text, `must be in canonical form ("${canonical}")`)];
}
