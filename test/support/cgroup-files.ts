// Files of one cgroup as kernels write them, by v1 and by v2: the same counts in both.

export const V1 = {
  memory: {
    'memory.usage_in_bytes': '900\n', 'memory.max_usage_in_bytes': '1000\n', 'memory.failcnt': '3\n', 'memory.kmem.usage_in_bytes': '70\n', 'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
    'memory.limit_in_bytes': '33554432\n', 'memory.memsw.limit_in_bytes': '9223372036854771712\n', 'memory.soft_limit_in_bytes': '9223372036854771712\n',
    'memory.stat': 'cache 1\nrss 1\nshmem 0\nmapped_file 0\ndirty 0\nwriteback 0\nworkingset_refault_anon 0\nworkingset_refault_file 0\nswap 0\npgpgin 4\npgpgout 1\npgfault 1\npgmajfault 0\ninactive_anon 0\nactive_anon 0\ninactive_file 0\nactive_file 0\nunevictable 0\nhierarchical_memory_limit 33554432\n'
      + 'total_cache 400\ntotal_rss 500\ntotal_shmem 0\ntotal_mapped_file 50\ntotal_dirty 0\ntotal_writeback 0\ntotal_workingset_refault_anon 0\ntotal_workingset_refault_file 0\ntotal_swap 7\ntotal_pgpgin 40\ntotal_pgpgout 10\ntotal_pgfault 11\ntotal_pgmajfault 2\ntotal_inactive_anon 0\ntotal_active_anon 500\ntotal_inactive_file 300\ntotal_active_file 100\ntotal_unevictable 0\n',
  },
  cpu: { 'cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 5000000\nnr_bursts 1\nburst_time 2000\n', 'cpu.shares': '102\n', 'cpu.cfs_quota_us': '10000\n', 'cpu.cfs_period_us': '100000\n', 'cgroup.procs': '41\n42\n' },
  cpuacct: { 'cpuacct.usage': '3000000000\n', 'cpuacct.stat': 'user 200\nsystem 100\n' },
  pids: { 'pids.current': '6\n', 'pids.max': '64\n' },
  blkio: {
    'blkio.throttle.io_service_bytes': '8:0 Read 1\nTotal 1\n', 'blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Write 512\n8:0 Sync 4608\n8:0 Async 0\n8:0 Discard 0\n8:0 Total 4608\nTotal 4608\n',
    'blkio.throttle.io_serviced_recursive': '8:0 Read 2\n8:0 Write 1\n8:0 Sync 3\n8:0 Async 0\n8:0 Discard 0\n8:0 Total 3\nTotal 3\n',
  },
};
export const V2 = {
  'memory.current': '900\n', 'memory.peak': '1000\n', 'memory.swap.current': '7\n', 'memory.events': 'low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\noom_group_kill 0\n', 'memory.max': '33554432\n', 'memory.swap.max': 'max\n', 'memory.min': '0\n',
  'memory.stat': 'anon 500\nfile 400\nkernel 70\nkernel_stack 16384\npagetables 53248\nsec_pagetables 0\npercpu 0\nsock 0\nvmalloc 0\nshmem 0\nzswap 0\nzswapped 0\nfile_mapped 50\nfile_dirty 0\nfile_writeback 0\nswapcached 0\ninactive_anon 0\nactive_anon 500\ninactive_file 300\nactive_file 100\nunevictable 0\nslab 0\npgfault 11\npgmajfault 2\n',
  'cpu.stat': 'usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\nnice_usec 0\ncore_sched.force_idle_usec 0\nnr_periods 10\nnr_throttled 4\nthrottled_usec 5000\nnr_bursts 1\nburst_usec 2\n', 'cpu.weight': '4\n', 'cpu.max': '10000 100000\n',
  'pids.current': '6\n', 'pids.max': '64\n', 'cgroup.procs': '41\n42\n', 'io.stat': '8:0 rbytes=4096 wbytes=512 rios=2 wios=1 dbytes=0 dios=0\n253:1 \n',
  'cpu.pressure': 'some avg10=0.00 avg60=0.31 avg300=0.12 total=154283\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9000\n', 'memory.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=30\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=20\n',
  'io.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=4\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=3\n',
};
