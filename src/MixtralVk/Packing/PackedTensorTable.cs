using MessagePack;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Quantization;

namespace MixtralVk.Packing;

/// <summary>The tensor table in the header: one map per tensor. Nothing read here is trusted.</summary>
internal static class PackedTensorTable
{
    private static readonly string[] _roles =
    [
        "token_embedding", "query", "key", "value", "attention_output", "gate_proj", "up_proj", "down_proj", "output",
        "attention_norm", "feed_forward_norm", "final_norm", "router",
    ];

    public static void Write(ref MessagePackWriter writer, PackedTensor tensor)
    {
        writer.WriteMapHeader(10);
        writer.Write("role");
        writer.Write(_roles[(int)tensor.Key.Role]);
        Number(ref writer, "layer", tensor.Key.Layer);
        Number(ref writer, "expert", tensor.Key.Expert);
        Number(ref writer, "format", PackedFormat.IdOf(tensor.Layout.Format));
        Number(ref writer, "rows", tensor.Layout.Rows);
        Number(ref writer, "cols", tensor.Layout.Cols);
        writer.Write("offset");
        writer.WriteInt64(tensor.Offset);   // always nine bytes, so that the header's length does not depend on where the tensors lie
        Number(ref writer, "bytes", tensor.Bytes);
        Number(ref writer, "block_bytes", tensor.BlockBytes);
        writer.Write("checksums");
        writer.WriteArrayHeader(tensor.Checksums.Length);
        foreach (uint checksum in tensor.Checksums) writer.WriteUInt32(checksum);
    }

    /// <summary>
    /// Reads the table and checks it: every tensor the model needs is there once, has the shape the model wants and the size its format
    /// gives, and lies aligned inside the file, apart from the header and all others.
    /// </summary>
    public static PackedTensor[] Read(ref MessagePackReader reader, ModelConfig config, string path)
    {
        var tensors = new Dictionary<TensorKey, PackedTensor>();
        for (int left = reader.ReadArrayHeader(); left > 0; left--)
        {
            PackedTensor tensor = ReadOne(ref reader, config, path);
            if (!tensors.TryAdd(tensor.Key, tensor)) throw new ModelFileException(path, $"{tensor.Key} appears twice.");
        }
        bool outputIsEmbedding = !tensors.ContainsKey(new TensorKey(TensorRole.Output));
        int wanted = 0;
        foreach (TensorKey key in TensorKey.AllOf(config, outputIsEmbedding))
        {
            if (!tensors.ContainsKey(key)) throw new ModelFileException(path, $"{key} is missing.");
            wanted++;
        }
        if (wanted != tensors.Count)
            throw new ModelFileException(path, $"it has {tensors.Count} tensors; a model of its sizes has {wanted}.");
        return [.. tensors.Values];
    }

    /// <summary>Refuses tensors outside the file's data and those that overlap.</summary>
    public static void CheckPlaces(IReadOnlyList<PackedTensor> tensors, long dataStart, long fileBytes, string path)
    {
        long end = dataStart;
        PackedTensor? before = null;
        foreach (PackedTensor tensor in tensors.OrderBy(t => t.Offset))
        {
            if (tensor.Offset % tensor.Alignment != 0)
                throw new ModelFileException(path, $"{tensor.Key} lies at {tensor.Offset}, not a multiple of {tensor.Alignment}.");
            if (tensor.Offset < end)
                throw new ModelFileException(path, before is null
                    ? $"{tensor.Key} lies at {tensor.Offset}, inside the header." : $"{before.Key} and {tensor.Key} overlap.");
            if (tensor.Offset > fileBytes || tensor.Bytes > fileBytes - tensor.Offset)
                throw new ModelFileException(path,
                    $"{tensor.Key} needs {tensor.Bytes} bytes at {tensor.Offset}; the file has {fileBytes}.");
            end = PackedFormat.Align(tensor.Offset + tensor.Bytes, tensor.Alignment);
            before = tensor;
        }
        if (end > fileBytes)
            throw new ModelFileException(path, $"the room of {before!.Key} ends at {end}; the file has {fileBytes} bytes.");
    }

    private static PackedTensor ReadOne(ref MessagePackReader reader, ModelConfig config, string path)
    {
        int role = -1;
        long layer = -1, expert = -1, format = -1, rows = -1, cols = -1, offset = -1, bytes = -1, blockBytes = -1;
        uint[] checksums = [];
        for (int left = reader.ReadMapHeader(); left > 0; left--)
        {
            string key = PackedText.Read(ref reader, path);
            switch (key)
            {
                case "role": role = Array.IndexOf(_roles, PackedText.Read(ref reader, path)); break;
                case "layer": layer = reader.ReadInt64(); break;
                case "expert": expert = reader.ReadInt64(); break;
                case "format": format = reader.ReadInt64(); break;
                case "rows": rows = reader.ReadInt64(); break;
                case "cols": cols = reader.ReadInt64(); break;
                case "offset": offset = reader.ReadInt64(); break;
                case "bytes": bytes = reader.ReadInt64(); break;
                case "block_bytes": blockBytes = reader.ReadInt64(); break;
                case "checksums": checksums = Checksums(ref reader); break;
                default: reader.Skip(); break;
            }
        }
        if (role < 0) throw new ModelFileException(path, "a tensor has no role this version knows.");
        if (layer is < 0 or > int.MaxValue || expert is < 0 or > int.MaxValue)
            throw new ModelFileException(path, $"a {_roles[role]} tensor is of layer {layer}, expert {expert}, which cannot be.");
        var tensorKey = new TensorKey((TensorRole)role, (int)layer, (int)expert);
        WeightFormat known = PackedFormat.FormatOf(format)
            ?? throw new ModelFileException(path, $"{tensorKey} has the unknown format {format}.");
        (int wantedRows, int wantedCols) = tensorKey.ShapeIn(config);
        if (rows != wantedRows || cols != wantedCols)
            throw new ModelFileException(path,
                $"{tensorKey} has the shape {rows} x {cols}; the model's sizes want {wantedRows} x {wantedCols}.");
        if (!tensorKey.IsTiled && known != WeightFormat.F32)
            throw new ModelFileException(path, $"{tensorKey} has the format {known}; it must be F32.");
        var layout = new RowTileLayout(known, wantedRows, wantedCols);
        if (layout.TileBytes > int.MaxValue)
            throw new ModelFileException(path, $"{tensorKey} has rows of {cols}, too long for this engine.");
        if (wantedCols % BlockFormat.Of(known).FileElements != 0)
            throw new ModelFileException(path,
                $"{tensorKey} of format {known} has rows of {cols}, not a multiple of {BlockFormat.Of(known).FileElements}.");
        var tensor = new PackedTensor(tensorKey, layout, offset) { Checksums = checksums };
        if (offset < 0 || bytes != tensor.Bytes)
            throw new ModelFileException(path, $"{tensorKey} has {bytes} bytes at {offset}; its format and shape want {tensor.Bytes}.");
        if (blockBytes != tensor.BlockBytes || checksums.Length != tensor.Blocks)
            throw new ModelFileException(path,
                $"{tensorKey} has {checksums.Length} checksums of {blockBytes} bytes each; {tensor.Blocks} of {tensor.BlockBytes} are wanted.");
        return tensor;
    }

    private static uint[] Checksums(ref MessagePackReader reader)
    {
        var checksums = new uint[reader.ReadArrayHeader()];
        for (int i = 0; i < checksums.Length; i++) checksums[i] = reader.ReadUInt32();
        return checksums;
    }

    private static void Number(ref MessagePackWriter writer, string key, long value)
    {
        writer.Write(key);
        writer.Write(value);
    }
}
