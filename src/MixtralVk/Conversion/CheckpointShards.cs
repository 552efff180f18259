using System.Text.Json;
using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>All safetensors files of a checkpoint folder, opened, with their tensors by name.</summary>
internal sealed class CheckpointShards : IDisposable
{
    private const int MaxIndexBytes = 1 << 26;

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, StoredTensor> _tensors = [];

    private CheckpointShards(string folder) => Folder = folder;

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors => _tensors;

    /// <summary>
    /// Opens <c>STEM.safetensors</c>, or the files that <c>STEM.safetensors.index.json</c> names; without either all
    /// <c>STEM*.safetensors</c>.
    /// </summary>
    public static CheckpointShards Open(string folder, string stem)
    {
        var shards = new CheckpointShards(folder);
        try
        {
            string index = Path.Combine(folder, stem + ".safetensors.index.json"), single = Path.Combine(folder, stem + ".safetensors");
            if (File.Exists(index)) shards.AddIndexed(index);
            else if (File.Exists(single)) shards.Add(single);
            else foreach (string path in Directory.GetFiles(folder, stem + "*.safetensors").Order(StringComparer.Ordinal)) shards.Add(path);
            return shards;
        }
        catch
        {
            shards.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (SafetensorsFile file in _files) file.Dispose();
    }

    private void AddIndexed(string indexPath)
    {
        using JsonFile index = JsonFile.Open(indexPath, MaxIndexBytes);
        var shardOf = new Dictionary<string, string>();
        foreach ((string tensor, JsonElement shard) in index.Members(index.Root, "weight_map"))
            shardOf[tensor] = index.TextOf(shard, tensor);
        foreach (string name in shardOf.Values.Distinct().Order(StringComparer.Ordinal))
        {
            // A name with a folder in it could reach any file of the machine.
            if (name.Length == 0 || name.AsSpan().ContainsAny("/\\:") || name is "." or "..")
                throw index.Error($"the shard '{name}' is not a file beside it.");
            string path = Path.Combine(Folder, name);
            if (!File.Exists(path)) throw index.Error($"the shard {name} is missing; download it again.");
            Add(path);
        }
        foreach ((string tensor, string shard) in shardOf)
        {
            if (!_tensors.TryGetValue(tensor, out StoredTensor stored) || Path.GetFileName(stored.File.Path) != shard)
                throw index.Error($"tensor '{tensor}' is not in {shard}.");
        }
    }

    private void Add(string path)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        _files.Add(file);
        foreach (SafetensorsTensor tensor in file.Tensors.Values)
        {
            if (!_tensors.TryAdd(tensor.Name, new StoredTensor(file, tensor)))
                throw new ModelFileException(path,
                    $"tensor '{tensor.Name}' is also in {Path.GetFileName(_tensors[tensor.Name].File.Path)}.");
        }
    }
}
