// The validation layer (1.3.239) can crash the process when two threads use it at once.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
