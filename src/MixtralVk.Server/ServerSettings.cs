using Microsoft.Extensions.Configuration;

namespace MixtralVk.Server;

/// <summary>
/// Settings from their sources. Of two that name the same setting the later one counts: the defaults, a JSON file, environment variables
/// (<c>MIXTRALVK_</c> and the setting's name, as <c>MIXTRALVK_QUEUELIMIT</c>), arguments of the command line.
/// </summary>
public static class ServerSettings
{
    /// <summary>Prefix of the environment variables.</summary>
    public const string EnvironmentPrefix = "MIXTRALVK_";

    private static readonly string[] s_paths = [nameof(ServerOptions.ModelFile), nameof(ServerOptions.ApiKeyFile),
        nameof(ServerOptions.CertificateFile), nameof(ServerOptions.CertificateKeyFile), nameof(ServerOptions.PipelineCacheDirectory),
        nameof(ServerOptions.KioskFile), nameof(ServerOptions.ConversationFolder)];

    /// <summary>
    /// Reads the settings; <see cref="ServerOptions.Validate"/> checks their ranges. Paths in the file are relative to the file. Throws
    /// <see cref="ServerException"/> for a file that cannot be read, a name that is no setting, or a value that cannot be one.
    /// </summary>
    /// <param name="file">A JSON file, an object of settings; null for none.</param>
    /// <param name="arguments">Settings of the command line by name; null values are passed over.</param>
    public static ServerOptions Read(string? file, IEnumerable<KeyValuePair<string, string?>> arguments)
    {
        var sources = new ConfigurationBuilder();
        try
        {
            if (file is not null) sources.AddInMemoryCollection(Checked(FromFile(Path.GetFullPath(file)), file));
            sources.AddInMemoryCollection(Checked(
                new ConfigurationBuilder().AddEnvironmentVariables(EnvironmentPrefix).Build(), "the environment"));
            sources.AddInMemoryCollection(Checked(new ConfigurationBuilder()
                .AddInMemoryCollection(arguments.Where(argument => argument.Value is not null)).Build(), "the command line"));
            var options = new ServerOptions();
            sources.Build().Bind(options);
            return options;
        }
        catch (Exception e)
            when (e is IOException or InvalidDataException or FormatException or InvalidOperationException or UnauthorizedAccessException)
        {
            throw new ServerException(e.InnerException is null ? e.Message : $"{e.Message} {e.GetBaseException().Message}", e);
        }
    }

    private static IConfigurationRoot FromFile(string file)
    {
        IConfigurationRoot settings = new ConfigurationBuilder().AddJsonFile(file).Build();
        foreach (string path in s_paths)
            if (settings[path] is string relative) settings[path] = Path.Combine(Path.GetDirectoryName(file)!, relative);
        return settings;
    }

    private static IEnumerable<KeyValuePair<string, string?>> Checked(IConfigurationRoot source, string name)
    {
        string[] known = [.. typeof(ServerOptions).GetProperties().Where(property => property.CanWrite).Select(property => property.Name)];
        foreach (IConfigurationSection setting in source.GetChildren())
            if (!known.Contains(setting.Key, StringComparer.OrdinalIgnoreCase))
                throw new ServerException(
                    $"{name} has the setting '{setting.Key}', which there is not. There are: {string.Join(", ", known)}.");
        return source.AsEnumerable();
    }
}
